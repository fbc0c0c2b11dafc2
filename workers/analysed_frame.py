"""A frame on its way through the analysis."""

from dataclasses import dataclass

from workers.arrays import Floats, Image
from workers.face.midline import Midline
from workers.face.mirroring import Side
from workers.face.tracking import TrackedFace


@dataclass(frozen=True, slots=True, eq=False)
class MirroredFace:
    """A face and its two mirrored frames.

    points: smoothed, (P, 2) px of the frame; frames: each of the picture's size.
    """

    face: TrackedFace
    points: Floats
    line: Midline
    frames: dict[Side, Image]


@dataclass(frozen=True, slots=True, eq=False)
class AnalysedFrame:
    """A frame of a recording and what was found in it.

    picture: None where it could not be decoded; faces: see `Sighting`; mirrored: None where there
    is no face, and in the lookback.
    """

    index: int
    picture: Image | None
    faces: int | None
    mirrored: MirroredFace | None = None
