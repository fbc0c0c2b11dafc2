"""Which pixels of an aligned picture belong to the face.

The union of the triangles between the landmarks, after the ends of the jaw and the brows were
moved up to take in some forehead; OpenFace 2's piecewise affine warp masks with it.
"""

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.face.alignment import SIZE

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
    """The pixels of (SIZE, SIZE) inside any of triangles (T, 3, 2)."""
    low = np.clip(np.ceil(triangles.min(axis=1)), 0, SIZE).astype(np.intp)
    high = np.clip(np.floor(triangles.max(axis=1)) + 1, 0, SIZE).astype(np.intp)
    width, height = np.maximum(high - low, 0).T
    # Every pixel of every triangle's bounding box, in one row: boxes are small and unlike.
    owner = np.repeat(np.arange(len(triangles)), width * height)
    nth = np.arange(len(owner)) - np.repeat(
        np.cumsum(width * height) - width * height, width * height
    )
    x = low[owner, 0] + nth % width[owner]
    y = low[owner, 1] + nth // width[owner]
    inside = np.ones(len(owner), dtype=np.bool_)
    for corner in range(3):
        a, b, c = (triangles[:, (corner + n) % 3] for n in range(3))
        edge = b - a
        # Which side of the edge the third corner is on, and how the pixel lies to it.
        third = np.sign(edge[:, 0] * (c - a)[:, 1] - edge[:, 1] * (c - a)[:, 0])
        side = edge[owner, 0] * (y - a[owner, 1]) - edge[owner, 1] * (x - a[owner, 0])
        inside &= side * third[owner] >= 0.0
    mask = np.zeros((SIZE, SIZE), dtype=np.bool_)
    mask[y[inside], x[inside]] = True
    return mask
