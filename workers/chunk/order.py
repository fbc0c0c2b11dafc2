"""What a worker is told about the chunk it analyses."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from weights.manifest import AuMethod
from workers.aus.labels import FaceKind
from workers.face.scheme import LandmarkName

VideoName = Literal["left", "right", "debug"]
"""The videos that a chunk can give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """The settings that change what is measured or written."""

    landmarks: LandmarkName = "star98"
    aus: AuMethod = "openface3"
    faces: FaceKind = "mirrored"
    flip: bool = False
    debug_video: bool = False

    @property
    def videos(self) -> tuple[VideoName, ...]:
        """The videos that are written."""
        mirrored: tuple[VideoName, ...] = ("left", "right") if self.faces == "mirrored" else ()
        return (*mirrored, "debug") if self.debug_video else mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkOrder:
    """Frames [start, stop) of a recording; [first, start) is the lookback.

    pts: presentation times of the frames [first, stop), in units of numerator/denominator s;
    width, height: px of the upright frame; rotation: degrees that turn a decoded frame upright.
    """

    recording: str
    start: int
    stop: int
    first: int
    pts: tuple[int, ...]
    numerator: int
    denominator: int
    width: int
    height: int
    rotation: int
    settings: AnalysisSettings

    @property
    def frames(self) -> int:
        """How many frames the chunk has, lookback left out."""
        return self.stop - self.start

    @property
    def time_base(self) -> Fraction:
        """Seconds in one unit of pts."""
        return Fraction(self.numerator, self.denominator)
