"""The face's own axes: x along the line that joins the iris centres, y across it.

What is measured in them does not change when the head is rolled.
"""

from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats
from workers.face.mirroring import Side


@dataclass(frozen=True, slots=True, eq=False)
class FaceAxes:
    """Of n frames. origin: (n, 2) px, halfway between the iris centres; across: (n, 2), unit
    vectors to the patient's left."""

    origin: Floats
    across: Floats

    @classmethod
    def between(cls, left: Floats, right: Floats) -> "FaceAxes":
        """The axes of iris centres (n, 2), px; of NaN where both are one point."""
        apart = left - right
        length = np.hypot(apart[:, 0], apart[:, 1])[:, None]
        across = np.divide(apart, length, out=np.full_like(apart, np.nan), where=length > 0.0)
        return cls((left + right) / 2.0, across)

    def placed(self, points: Floats) -> Floats:
        """Points (n, P, 2), px of the frame, in these axes: x to the patient's left, y up; px."""
        moved = points - self.origin[:, None]
        right, down = self.across[:, None, 0], self.across[:, None, 1]
        x = moved[..., 0] * right + moved[..., 1] * down
        y = moved[..., 0] * down - moved[..., 1] * right
        return np.stack([x, y], axis=-1)


def seen_from(side: Side, placed: Floats) -> Floats:
    """Points in the face's axes (..., 2) with x outwards on one side: so both sides are alike."""
    return placed if side == "left" else placed * np.array([-1.0, 1.0])
