"""What OpenFace 3's AUs are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.aus.au_arrays import AuArrays
from workers.aus.labels import HEAD_LABELS

HEAD_SCORES = len(HEAD_LABELS["openface3"])


@dataclass(frozen=True, slots=True, eq=False)
class OccurrenceScores(AuArrays):
    """n frames; the axis of two is left, right; NaN without a face.

    head_scores: (n, 2, A) float32, of the AU head; au45: (n, 2) float32, from the eyes' shape.
    """

    head_scores: NDArray[np.float32]
    au45: NDArray[np.float32]

    @classmethod
    def of_no_face(cls) -> "OccurrenceScores":
        """One frame without a face."""
        return cls(
            head_scores=np.full((1, 2, HEAD_SCORES), np.nan, dtype=np.float32),
            au45=np.full((1, 2), np.nan, dtype=np.float32),
        )
