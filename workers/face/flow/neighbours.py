"""A frame's landmarks from the two nearest frames at which the landmark model looked.

Three opinions on each point are weighed: the point of the frame before followed forward, that of
the frame after followed back, and both carried along with the head. The last keeps points steady
that flow alone lets slide; for those on the contour, where flow sees only an edge against any
background, it is the only one.
"""

from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats, Tensor
from workers.face.eyes import au45
from workers.face.flow.face_view import FACE_SIDE
from workers.face.flow.point_tracks import PointTrack
from workers.face.mirroring import SIDES
from workers.face.scheme import LandmarkScheme

CARRIED_TRUST = 1.0
"""1/px² of the view: how much weight being carried with the head has."""

RETURN_ERROR = 0.5
"""px of the view; this and the next two: the mean of a region from which the model must look."""

CHANGE = 0.45
DEPARTURE = 4.0
"""px of the view: how far flow says that points moved otherwise than with the head."""

DISAGREEMENT = 0.045 * FACE_SIDE
"""px of the view: the median of how far both neighbours' landmarks come to lie apart. They are two
faces then, or the model was wrong in one of them, or flow was on the way."""


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """points: (P, 2), px of the view, of a frame at which the model looked; track: to the present
    frame."""

    points: Tensor
    track: PointTrack


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """points: (P, 2), px of the view; doubt: from 1 on the model must look at this frame."""

    points: Floats
    doubt: float


class NeighbourRule:
    """How the neighbours' landmarks are weighed, in one landmark layout."""

    def __init__(self, scheme: LandmarkScheme) -> None:
        self._scheme = scheme
        self._inner = np.ones(scheme.count)
        self._inner[list(scheme.contour)] = 0.0
        eyes = [[*eye.corners, *np.ravel(eye.lids)] for eye in (scheme.right_eye, scheme.left_eye)]
        inside = np.flatnonzero(self._inner)
        self._regions = [np.asarray(region) for region in (*eyes, list(scheme.mouth), inside)]

    def between(self, before: Looked, after: Looked, share: float) -> Estimate:
        """The landmarks of a frame. share: of the time from `before` to `after` that has passed."""
        trust = [
            (1.0 - share) * self._inner / before.track.distrust,
            share * self._inner / after.track.distrust,
        ]
        flown = [looked.track.points.astype(np.float64) for looked in (before, after)]
        with_head = (1.0 - share) * self._carried(before) + share * self._carried(after)
        opinions = np.stack([*flown, with_head])
        weights = np.stack([*trust, np.full(len(with_head), CARRIED_TRUST)])
        points = _mean(opinions, weights)
        apart = np.linalg.norm(flown[0] - flown[1], axis=1)[self._regions[-1]]
        doubts = (
            self._doubt(before.track, after.track, share, points - with_head),
            float(np.median(apart)) / DISAGREEMENT,
        )
        return Estimate(points, max(doubts))

    def closure(self, points: Floats) -> Floats:
        """(2,): how far the left and the right eye are shut, 0 to 5. points: (P, 2)."""
        return np.array([au45(points, self._scheme, side) for side in SIDES])

    def _carried(self, looked: Looked) -> Floats:
        """The points (P, 2) of a looked-at frame, moved as the head has moved since."""
        return carried(
            looked.points.astype(np.float64),
            looked.track.points.astype(np.float64),
            self._inner / looked.track.distrust,
        )

    def _doubt(
        self, before: PointTrack, after: PointTrack, share: float, departure: Floats
    ) -> float:
        weights = np.stack([(1.0 - share) / before.distrust, share / after.distrust])
        measures = (
            _mean(np.stack([before.return_error, after.return_error]), weights) / RETURN_ERROR,
            _mean(np.stack([before.change, after.change]), weights) / CHANGE,
            np.linalg.norm(departure, axis=1) / DEPARTURE,
        )
        return max(float(m[region].mean()) for m in measures for region in self._regions)


def _mean(values: Floats, weights: Floats) -> Floats:
    """The weighted mean over the first axis; values (N, P) or (N, P, 2), weights (N, P)."""
    spread = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
    return np.asarray((spread * values).sum(axis=0) / spread.sum(axis=0), dtype=np.float64)


def carried(points: Floats, moved: Floats, weights: Floats) -> Floats:
    """Points (P, 2), by the similarity that brings them nearest to where they moved (P, 2).

    weights: (P,). Least squares in closed form (Umeyama 1991, in the plane).
    """
    shares = (weights / weights.sum())[:, None]
    centre, new_centre = (shares * points).sum(axis=0), (shares * moved).sum(axis=0)
    was, now = points - centre, moved - new_centre
    spread = max(float((shares * was**2).sum()), 1e-9)
    along = float((shares * was * now).sum()) / spread
    across = float((shares[:, 0] * (was[:, 0] * now[:, 1] - was[:, 1] * now[:, 0])).sum()) / spread
    turn = np.array([[along, -across], [across, along]])
    return np.asarray(was @ turn.T + new_centre, dtype=np.float64)
