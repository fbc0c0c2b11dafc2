"""What a worker is told about the chunk it analyses."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from weights.manifest import AuMethod
from workers.aus.labels import FaceKind
from workers.face.scheme import LandmarkName

VideoName = Literal["left", "right", "debug"]
"""The videos that a chunk can give."""

Smoothing = Literal["none", "face-mirror-1"]
"""Over which frames the midline and the landmarks that place the crops are averaged: the present
one alone, or, as the first Face Mirror did, the last five, which lags behind a moving head."""

LOOKBACK: dict[Smoothing, int] = {"none": 0, "face-mirror-1": 4}
"""How many earlier frames each of them looks at."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """Tracking starts anew at every frame index that `every` divides; some frames earlier, where it
    takes so long until nothing shows of where it started."""

    every: int
    warm_up: int


RESTARTS: dict[LandmarkName, Restarts] = {
    "star98": Restarts(10, 0),
    "pfld68": Restarts(10, 0),
    "clnf68": Restarts(50, 10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """The settings that change what is measured or written. fast: the landmark model does not look
    at every frame, see `workers.face.flow`."""

    landmarks: LandmarkName = "star98"
    aus: AuMethod = "openface3"
    faces: FaceKind = "mirrored"
    smoothing: Smoothing = "none"
    flip: bool = False
    debug_video: bool = False
    fast: bool = False

    @property
    def lookback(self) -> int:
        """How many frames before a chunk its analysis has to know."""
        return LOOKBACK[self.smoothing]

    @property
    def videos(self) -> tuple[VideoName, ...]:
        """The videos that are written."""
        mirrored: tuple[VideoName, ...] = ("left", "right") if self.faces == "mirrored" else ()
        return (*mirrored, "debug") if self.debug_video else mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkOrder:
    """Frames [start, stop) of a recording; [first, start) is the lookback.

    pts: presentation times of the frames from `first` on, in units of numerator/denominator s;
    those behind `stop` are looked at only for what the ones before need of them; width, height: px
    of the upright frame; rotation: degrees that turn a decoded frame upright.
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
    def own_pts(self) -> tuple[int, ...]:
        """The presentation times of the frames [start, stop)."""
        return self.pts[self.start - self.first : self.stop - self.first]

    @property
    def picture_bytes(self) -> int:
        """Bytes of an upright picture, as it is analysed."""
        return self.width * self.height * 3

    @property
    def time_base(self) -> Fraction:
        """Seconds in one unit of pts."""
        return Fraction(self.numerator, self.denominator)
