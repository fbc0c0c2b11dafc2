"""Following one face from frame to frame.

The face is sought in the whole picture at every frame whose index is a multiple of ANCHOR, and
whenever it is lost; in between its box moves with its landmarks, and the detector looks only at
the box's surroundings to say whether a face is still there. Tracking starts anew at each anchor,
so what is found in a frame depends on nothing before its anchor, wherever a chunk begins. That is
why an anchor searches thoroughly: it knows nothing of a face that was seen until then.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from workers.arrays import Floats, Image
from workers.face.boxes import extent, most_prominent, overlaps
from workers.face.landmarker import Landmarker, Landmarks
from workers.face.search import FACE_SCORE, Detector, search
from workers.face.shape.shape_fit import ShapeFit

ANCHOR = 10
"""Tracking starts anew at every frame index that this divides."""

SAME_FACE_OVERLAP = 0.3
SURROUNDINGS = 2.0
SIZE_BOUNDS = (0.3, 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """How far a face box reaches beyond its landmarks, in widths and heights of their extent."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def between(cls, box: Floats, points: Floats) -> "Margins":
        """The margins of a box (4,) around landmarks (P, 2)."""
        x1, y1, x2, y2 = extent(points)
        width, height = x2 - x1, y2 - y1
        return cls(
            (x1 - box[0]) / width,
            (y1 - box[1]) / height,
            (box[2] - x2) / width,
            (box[3] - y2) / height,
        )

    def around(self, points: Floats) -> Floats:
        """The box (4,) that has these margins around other landmarks."""
        x1, y1, x2, y2 = extent(points)
        width, height = x2 - x1, y2 - y1
        return np.array(
            [
                x1 - self.left * width,
                y1 - self.top * height,
                x2 + self.right * width,
                y2 + self.bottom * height,
            ]
        )

    def symmetric(self) -> "Margins":
        """The margins of a mirrored face, whose two sides are alike."""
        side = (self.left + self.right) / 2
        return Margins(side, self.top, side, self.bottom)


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """One face in one frame, px of the frame.

    box: (4,); points: (P, 2), unsmoothed; margins: of the box around the points when the face was
    last detected; confidence: the detector's score in this frame, or the landmark model's
    confidence where it gives one and it is lower; fit: the shape that the points are the projection
    of, where the landmark model fits one; irises: (2, 8, 2), points around the left and the right
    iris, where the landmark model finds any, NaN for an eye without; followed: the landmark model
    did not look at this frame, its points are those of neighbouring frames, followed.
    """

    box: Floats
    points: Floats
    margins: Margins
    confidence: float
    fit: ShapeFit | None = None
    irises: Floats | None = None
    followed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What was seen in one frame.

    face: the patient's; None where there is none; faces: how many faces the whole picture has,
    None where only the surroundings of the known face were looked at.
    """

    face: TrackedFace | None
    faces: int | None


NOTHING = Sighting(face=None, faces=None)


class Tracker(Protocol):
    """Finds the patient's face in one frame after the other."""

    def step(self, index: int, frame: Image | None) -> Sighting:
        """What is seen in the frame of this index in the recording; frames come in order, without
        gaps. frame: None where the recording could not be decoded."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SeenFrame:
    """A frame of a recording, None where it could not be decoded, and what was seen in it."""

    index: int
    picture: Image | None
    sighting: Sighting


class Follower(Protocol):
    """Follows the patient's face, and may need later frames for it."""

    def take(self, index: int, picture: Image | None) -> Iterable[SeenFrame]:
        """Take the next frame; gives those that are settled by it, in order."""
        ...

    def finish(self) -> Iterable[SeenFrame]:
        """The rest, when no more frames come."""
        ...


class FrameByFrame:
    """Settles each frame at once, by a tracker."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def take(self, index: int, picture: Image | None) -> Iterable[SeenFrame]:
        """See `Follower`."""
        yield SeenFrame(index, picture, self._tracker.step(index, picture))

    def finish(self) -> Iterable[SeenFrame]:
        """See `Follower`; nothing."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkRequest:
    """The landmarks of the face in `box` (4,), px of the frame, are wanted."""

    frame: Image
    box: Floats


T = TypeVar("T")
Looking = Generator[LandmarkRequest, Landmarks, T]
"""Looking at a frame, interrupted where landmarks are wanted: whoever looks at several frames can
have them located together."""


def answered(looking: Looking[T], landmarker: Landmarker) -> T:
    """What comes of looking at a frame, its landmarks located one after the other."""
    try:
        request = next(looking)
        while True:
            request = looking.send(landmarker.locate(request.frame, request.box))
    except StopIteration as ended:
        found: T = ended.value
        return found


class FaceTracker:
    """Finds the most prominent face of each frame; frames come in order, without gaps."""

    def __init__(self, seeker: Detector, verifier: Detector, landmarker: Landmarker) -> None:
        """`seeker` looks at whole pictures, `verifier` at a small picture around a known face."""
        self._seeker = seeker
        self._verifier = verifier
        self._landmarker = landmarker
        self._last: TrackedFace | None = None  # seen since the anchor

    def step(self, index: int, frame: Image | None) -> Sighting:
        """See `Tracker`; tracking is lost where a frame could not be decoded."""
        return answered(self.stepping(index, frame), self._landmarker)

    def after(self, last: TrackedFace | None, frame: Image) -> Sighting:
        """What is seen in a frame where a face was seen in an earlier one, None: in none."""
        return answered(self._after(last, frame), self._landmarker)

    def seek(self, frame: Image, thorough: bool) -> Sighting:
        """What a search of the whole picture finds. thorough: see `search`."""
        return answered(self._seeking(frame, thorough), self._landmarker)

    def look(self, frame: Image, box: Floats, margins: Margins) -> TrackedFace | None:
        """The face in a box of whole px, None where there is none. margins: of that face."""
        return answered(self._looking(frame, box, margins), self._landmarker)

    def stepping(self, index: int, frame: Image | None) -> Looking[Sighting]:
        """`step`, for whoever locates the landmarks."""
        at_anchor = index % ANCHOR == 0
        if at_anchor:
            self._last = None
        if frame is None:
            return NOTHING
        if at_anchor:
            sighting = yield from self._seeking(frame, thorough=True)
        else:
            sighting = yield from self._after(self._last, frame)
        self._last = sighting.face or self._last
        return sighting

    def _after(self, last: TrackedFace | None, frame: Image) -> Looking[Sighting]:
        if last is not None:
            # In whole px: what is seen in this frame must not hang on last digits of the one
            # before, which other processors compute otherwise; they would grow with every frame.
            box = np.rint(last.margins.around(last.points))
            followed = yield from self._looking(frame, box, last.margins)
            if followed is not None:
                return Sighting(followed, faces=None)
        return (yield from self._seeking(frame, thorough=False))

    def _seeking(self, frame: Image, thorough: bool) -> Looking[Sighting]:
        found = search(self._seeker, frame, thorough)
        if not len(found):
            return Sighting(face=None, faces=0)
        best = most_prominent(found)
        box = found.boxes[best]
        landmarks = yield LandmarkRequest(frame, np.trunc(box))  # as upstream does
        if not plausible(landmarks.points, box):
            return Sighting(face=None, faces=len(found))
        margins = Margins.between(box, landmarks.points)
        confidence = _confidence(float(found.scores[best]), landmarks)
        return Sighting(TrackedFace(box, landmarks.points, margins, confidence), len(found))

    def _looking(self, frame: Image, box: Floats, margins: Margins) -> Looking[TrackedFace | None]:
        score = self.score(frame, box)
        if score < FACE_SCORE:
            return None
        landmarks = yield LandmarkRequest(frame, box)
        if not plausible(landmarks.points, box):
            return None
        return TrackedFace(box, landmarks.points, margins, _confidence(score, landmarks))

    def score(self, frame: Image, box: Floats) -> float:
        """See `verified_score`."""
        return verified_score(self._verifier, frame, box)


def _confidence(score: float, landmarks: Landmarks) -> float:
    return score if landmarks.confidence is None else min(score, landmarks.confidence)


def verified_score(
    verifier: Detector, frame: Image, box: Floats, overlap: float = SAME_FACE_OVERLAP
) -> float:
    """The detector's score for a face where one is expected; 0 where there is none.

    Looks at a square of SURROUNDINGS times the box's longer side, for a face whose box overlaps the
    expected one (intersection over union).
    """
    half = SURROUNDINGS * float(np.max(box[2:] - box[:2])) / 2
    centre = (box[:2] + box[2:]) / 2
    low = np.maximum(np.floor(centre - half), 0).astype(int)
    high = np.ceil(centre + half).astype(int)
    window = frame[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
    if window.size == 0:
        return 0.0
    found = verifier.detect(window, FACE_SCORE)
    expected = box - np.tile(low, 2)
    same = overlaps(expected, found.boxes) >= overlap
    return float(found.scores[same].max(initial=0.0))


def plausible(points: Floats, box: Floats) -> bool:
    """Whether landmarks (P, 2) can belong to the face in a box (4,)."""
    if not np.isfinite(points).all():
        return False
    centre = points.mean(axis=0)
    size = np.ptp(points, axis=0) / np.maximum(box[2:] - box[:2], 1e-6)
    inside = bool((centre >= box[:2]).all() and (centre <= box[2:]).all())
    return inside and bool((size >= SIZE_BOUNDS[0]).all() and (size <= SIZE_BOUNDS[1]).all())


def anchor_before(index: int) -> int:
    """The frame where the tracking of frame `index` began."""
    return index - index % ANCHOR
