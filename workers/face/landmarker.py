"""What every landmark model offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from workers.arrays import Floats, Image
from workers.face.scheme import LandmarkScheme


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """points: (P, 2) px of the frame; confidence in [0, 1], None where the model gives none."""

    points: Floats
    confidence: float | None


class Landmarker(Protocol):
    """Finds the landmarks of one face."""

    scheme: LandmarkScheme

    def locate(self, frame: Image, box: Floats) -> Landmarks:
        """The landmarks of the face in `box` (4,), px of the frame."""
        ...


class BatchLandmarker(Protocol):
    """Finds the landmarks of several faces at once."""

    slots: int

    def locate(self, wanted: Mapping[int, tuple[Image, Floats]]) -> dict[int, Landmarks]:
        """The landmarks of the face in each frame's box (4,), by its slot in [0, slots)."""
        ...
