"""The face in the frames between two at which the landmark model looked."""

from collections.abc import Sequence

import numpy as np

from workers.arrays import Floats, Image, Tensor
from workers.face.flow.face_view import FaceView
from workers.face.flow.neighbours import Estimate, Looked, NeighbourRule
from workers.face.flow.point_tracks import PointTrack, tracked
from workers.face.search import FACE_SCORE
from workers.face.tracking import FaceTracker, TrackedFace, plausible

BLINK = 0.75
"""In a frame next to one in which an eye is shut further by this than at one end of the run, of 5,
the model looks, whatever the picture says: lids that are nearly shut look much as shut ones do."""


class FaceLost(Exception):  # noqa: N818
    """The face is not seen in one of the frames."""


class FollowedRun:
    """Frames by their place in the run; the first and the last have a face already."""

    def __init__(
        self,
        tracker: FaceTracker,
        rule: NeighbourRule,
        pictures: Sequence[Image],
        first: TrackedFace,
        last: TrackedFace,
    ) -> None:
        """tracker: looks at a frame, and judges whether a face is there."""
        self._tracker = tracker
        self._rule = rule
        self._pictures = pictures
        self._end = len(pictures) - 1
        self._margins = first.margins
        self._looked = {0: first, self._end: last}
        self._view = FaceView.around([first.box, last.box], *pictures[0].shape[:2])
        self._views = [self._view.of(picture) for picture in pictures]
        self._tracks: dict[tuple[int, int], PointTrack] = {}

    def faces(self) -> list[TrackedFace] | None:
        """The face in each frame; None where it is not seen in one."""
        try:
            followed = self._between(0, self._end)
        except FaceLost:
            return None
        every = self._looked | followed
        return [every[place] for place in range(self._end + 1)]

    def _between(self, before: int, after: int) -> dict[int, TrackedFace]:
        """The followed faces of the frames between two looked-at ones; looks at doubtful frames.

        Raises FaceLost where the face is not seen in one.
        """
        places = range(before + 1, after)
        estimates = {place: self._estimate(before, place, after) for place in places}
        if not estimates:
            return {}
        doubts = {place: estimates[place].doubt for place in places}
        for beside, looked in ((before + 1, before), (after - 1, after)):
            if self._blinks(looked):
                doubts[beside] = np.inf
        worst = max(places, key=doubts.__getitem__)
        if doubts[worst] >= 1.0:
            self._look(worst, estimates[worst])
            return self._between(before, worst) | self._between(worst, after)
        sure = min(self._looked[before].confidence, self._looked[after].confidence)
        return {place: self._face(place, estimates[place], sure) for place in places}

    def _blinks(self, place: int) -> bool:
        ends = [self._rule.closure(self._looked[end].points) for end in (0, self._end)]
        shut = self._rule.closure(self._looked[place].points) - np.minimum(*ends)
        return bool((shut >= BLINK).any())

    def _estimate(self, before: int, place: int, after: int) -> Estimate:
        share = (place - before) / (after - before)
        return self._rule.between(
            self._seen_from(before, place), self._seen_from(after, place), share
        )

    def _seen_from(self, source: int, place: int) -> Looked:
        return Looked(self._points(source), self._track(source, place))

    def _look(self, place: int, estimate: Estimate) -> None:
        found = self._tracker.look(self._pictures[place], self._box(estimate), self._margins)
        if found is None:
            raise FaceLost
        self._looked[place] = found

    def _face(self, place: int, estimate: Estimate, sure: float) -> TrackedFace:
        """sure: how sure the neighbours are; no followed face is surer."""
        box, points = self._box(estimate), self._view.in_frame(estimate.points)
        score = self._tracker.score(self._pictures[place], box)
        if score < FACE_SCORE or not plausible(points, box):
            raise FaceLost
        return TrackedFace(box, points, self._margins, min(score, sure), followed=True)

    def _box(self, estimate: Estimate) -> Floats:
        """In whole px, see `FaceTracker.after`."""
        return np.rint(self._margins.around(self._view.in_frame(estimate.points)))

    def _points(self, place: int) -> Tensor:
        """The points of a looked-at frame, px of the view."""
        return self._view.seen(self._looked[place].points)

    def _track(self, source: int, place: int) -> PointTrack:
        """From a looked-at frame to another, by way of those between them."""
        if (source, place) not in self._tracks:
            nearer = place - 1 if place > source else place + 1
            start = self._points(source)
            expected = start if nearer == source else self._track(source, nearer).points
            self._tracks[source, place] = tracked(
                self._views[source], start, self._views[place], expected
            )
        return self._tracks[source, place]
