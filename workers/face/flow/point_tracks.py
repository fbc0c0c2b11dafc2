"""Points of one frame found again in others, by pyramidal Lucas-Kanade (Bouguet 2001).

Each frame is compared with the one that the points come from, so nothing adds up on the way; the
frame in between only says where to begin. How far a track is to be trusted is measured twice:
followed back again, a point should end where it began (Kalal et al. 2010), and what is around it
should look as it did.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats, Tensor
from workers.face.flow.face_view import Grey

WINDOW = 15
LEVELS = 3
STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03)
LEAST_TEXTURE = 1e-5
LOST = 5.0
"""px of the view: what counts as the return error of a point that was lost, and at most."""

PATCH = 11
"""px of the view around a point that are compared, across and down."""

GREY_NOISE = 5.0
"""Grey values: contrast that says nothing, as it is the camera's noise."""


@dataclass(frozen=True, slots=True, eq=False)
class PointTrack:
    """Points of one frame in another; all in px of the view.

    points: (P, 2); return_error: (P,), how far from its start a point ends that is followed back;
    change: (P,), how unlike its surroundings became, about 0 to 1.4.
    """

    points: Tensor
    return_error: Floats
    change: Floats

    @property
    def distrust(self) -> Floats:
        """(P,): the variance, px², that the track is given where opinions are weighed."""
        return np.asarray(0.05 + self.return_error**2 + self.change**2, dtype=np.float64)


def tracked(source: Grey, start: Tensor, target: Grey, expected: Tensor) -> PointTrack:
    """Where points (P, 2) of a view are in another. expected: (P, 2), about where."""
    there, found = _flow(source, target, start, expected)
    back, found_back = _flow(target, source, there, start)
    error = np.linalg.norm(back.astype(np.float64) - start, axis=1)
    # What is lost may come back as NaN.
    error = np.where(found & found_back & np.isfinite(error), error, LOST)
    there = np.where(np.isfinite(there), there, expected)
    change = _unlike(_patches(source, start), _patches(target, there))
    return PointTrack(there, np.minimum(error, LOST), change)


def _flow(
    source: Grey, target: Grey, start: Tensor, expected: Tensor
) -> tuple[Tensor, NDArray[np.bool_]]:
    points, found, _ = cv2.calcOpticalFlowPyrLK(
        source,
        target,
        start[:, None],
        expected[:, None].copy(),
        winSize=(WINDOW, WINDOW),
        maxLevel=LEVELS,
        criteria=STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=LEAST_TEXTURE,
    )
    return np.asarray(points[:, 0], dtype=np.float32), np.asarray(found[:, 0], dtype=bool)


def _patches(view: Grey, points: Tensor) -> Tensor:
    """The surroundings of points (P, 2), (P, PATCH²) float32, each less its mean."""
    offsets = np.arange(PATCH, dtype=np.float32) - PATCH // 2
    x, y = (points[:, axis, None, None] for axis in (0, 1))
    rows = len(points) * PATCH, PATCH
    map_x = np.broadcast_to(x + offsets, (len(points), PATCH, PATCH)).reshape(rows)
    map_y = np.broadcast_to(y + offsets[:, None], (len(points), PATCH, PATCH)).reshape(rows)
    seen = cv2.remap(view, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    patches = np.asarray(seen, dtype=np.float32).reshape(len(points), -1)
    return np.asarray(patches - patches.mean(axis=1, keepdims=True), dtype=np.float32)


def _unlike(patches: Tensor, others: Tensor) -> Floats:
    """(P,): how much of the contrast of two patches is not the same in both."""
    apart = ((patches - others) ** 2).mean(axis=1)
    contrast = ((patches**2).mean(axis=1) + (others**2).mean(axis=1)) / 2
    return np.asarray(np.sqrt(apart / (contrast + GREY_NOISE**2)), dtype=np.float64)
