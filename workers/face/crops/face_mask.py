"""Which pixels of an aligned picture belong to the face.

The union of the triangles between the landmarks, after the ends of the jaw and the brows were
moved up to take in some forehead; OpenFace 2's piecewise affine warp masks with it.
"""

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.face.crops.alignment import SIZE

RAISED = np.array([0, 16, *range(17, 27)])
RISE = 30.0
"""px of the aligned picture."""


def face_mask(points: Floats, to_aligned: Floats, triangles: NDArray[np.intp]) -> NDArray[np.bool_]:
    """The mask (112, 112) of landmarks (68, 2), px of the frame.

    to_aligned: see `aligning_map`; triangles: (T, 3) point indices. A pixel whose centre lies on an
    edge is inside.
    """
    corners = points @ to_aligned[:, :2].T + to_aligned[:, 2]
    corners[RAISED, 1] -= RISE
    return _union(corners[triangles])


def _union(triangles: Floats) -> NDArray[np.bool_]:
    """The pixels of (SIZE, SIZE) inside any of triangles (T, 3, 2), row by row."""
    y = triangles[:, :, 1]
    first = np.clip(np.ceil(y.min(axis=1)), 0, SIZE).astype(np.intp)
    last = np.clip(np.floor(y.max(axis=1)) + 1, 0, SIZE).astype(np.intp)
    count = np.maximum(last - first, 0)
    # All rows of all triangles as one list: triangles are small, and unlike.
    owner = np.repeat(np.arange(len(triangles)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[owner]
    left, right = _spans(triangles[owner], row.astype(np.float64))
    start = np.clip(np.ceil(left), 0, SIZE).astype(np.intp)
    stop = np.clip(np.floor(right) + 1, 0, SIZE).astype(np.intp)
    some = stop > start
    row, start, stop = row[some], start[some], stop[some]
    width = SIZE + 1
    opened = np.bincount(row * width + start, minlength=SIZE * width)
    closed = np.bincount(row * width + stop, minlength=SIZE * width)
    depth = np.cumsum((opened - closed).reshape(SIZE, width), axis=1)
    return np.asarray(depth[:, :SIZE] > 0, dtype=np.bool_)


def _spans(triangles: Floats, y: Floats) -> tuple[Floats, Floats]:
    """From where to where, in x, the line at each y (N,) is inside its triangle (N, 3, 2)."""
    left, right = triangles[:, :, 0].min(axis=1), triangles[:, :, 0].max(axis=1)
    for corner in range(3):
        a, b, c = (triangles[:, (corner + n) % 3] for n in range(3))
        run, rise = (b - a).T
        # The side of the edge that the third corner is on: constant + slope · x is at least 0.
        third = np.sign(run * (c - a)[:, 1] - rise * (c - a)[:, 0])
        slope = -third * rise
        constant = third * (run * (y - a[:, 1]) + rise * a[:, 0])
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = -constant / slope
        left = np.where(slope > 0.0, np.maximum(left, crossing), left)
        right = np.where(slope < 0.0, np.minimum(right, crossing), right)
        right = np.where((slope == 0.0) & (constant < 0.0), -np.inf, right)
    return left, right
