"""What was measured for the AUs of some frames, as arrays that have one entry a frame."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class AuArrays:
    """The base of what each AU method keeps; every field is an array, its first axis the frames."""

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The frames of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))
