"""What OpenFace 2's AUs follow from, frame by frame, until the whole recording is known.

It is small: of a face's 4,464 gradients only their bins are kept, and only where the running median
takes the frame in; the models' responses stand for the rest, without loss.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.aus.au_arrays import AuArrays
from workers.aus.openface2.fhog import LENGTH as HOG_LENGTH

POSE_LENGTH = 6

MEDIAN_STEP = 2
"""The running median takes in every other frame, beginning with the recording's first."""


def takes_part_in_median(index: int) -> bool:
    """Whether the running median takes in the frame of this index in the recording."""
    return index % MEDIAN_STEP == 0


@dataclass(frozen=True, slots=True, eq=False)
class FaceEvidence:
    """One face in one frame.

    responses: (P,) float32, see `Predictors.responses`; pose: (6,) float32, scale (px per mm),
    angles around x, y, z (radians), translation (px of the frame); local: (M,) float32 parameters
    of the shape model; hog_bins: (4464,) uint16, read where the median takes the frame in.
    """

    responses: NDArray[np.float32]
    pose: NDArray[np.float32]
    local: NDArray[np.float32]
    hog_bins: NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkEvidence(AuArrays):
    """n frames, F faces in each: left and right mirrored, or the one as filmed. The fields are
    `FaceEvidence`'s with the axes n and F in front; 0 without a face, and where nobody reads."""

    responses: NDArray[np.float32]
    pose: NDArray[np.float32]
    local: NDArray[np.float32]
    hog_bins: NDArray[np.uint16]

    @classmethod
    def of_no_face(cls, faces: int, responses: int, local: int) -> "ChunkEvidence":
        """One frame without a face; the numbers say how much one with a face has."""
        return cls(
            responses=np.zeros((1, faces, responses), dtype=np.float32),
            pose=np.zeros((1, faces, POSE_LENGTH), dtype=np.float32),
            local=np.zeros((1, faces, local), dtype=np.float32),
            hog_bins=np.zeros((1, faces, HOG_LENGTH), dtype=np.uint16),
        )

    @classmethod
    def of_frame(cls, faces: list[FaceEvidence]) -> "ChunkEvidence":
        """One frame with its faces."""
        return cls(
            responses=np.stack([face.responses for face in faces])[None],
            pose=np.stack([face.pose for face in faces])[None],
            local=np.stack([face.local for face in faces])[None],
            hog_bins=np.stack([face.hog_bins for face in faces])[None],
        )

    def face(self, frame: int, face: int) -> FaceEvidence:
        """One face of the frame at this place."""
        at = (frame, face)
        return FaceEvidence(self.responses[at], self.pose[at], self.local[at], self.hog_bins[at])
