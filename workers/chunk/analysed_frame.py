"""A frame on its way through the analysis."""

from dataclasses import dataclass

from workers.arrays import Image
from workers.face.analysed_face import AnalysedFace


@dataclass(frozen=True, slots=True, eq=False)
class AnalysedFrame:
    """A frame of a recording and what was found in it.

    picture: None where it could not be decoded; faces: see `Sighting`; found: None where there is
    no face, and in the lookback.
    """

    index: int
    picture: Image | None
    faces: int | None
    found: AnalysedFace | None = None
