"""A face on its way through the analysis."""

from dataclasses import dataclass

from workers.arrays import Floats, Image
from workers.face.head_pose import HeadPose
from workers.face.midline import Midline
from workers.face.mirroring import Side
from workers.face.tracking import TrackedFace


@dataclass(frozen=True, slots=True, eq=False)
class AnalysedFace:
    """A face, its midline, how the head is turned, and its two mirrored frames.

    points: (P, 2) px of the frame, averaged where the settings ask for it; mirrored: each of the
    picture's size; none where faces are measured as filmed.
    """

    face: TrackedFace
    points: Floats
    line: Midline
    pose: HeadPose
    mirrored: dict[Side, Image]
