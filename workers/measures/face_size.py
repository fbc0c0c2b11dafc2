"""How large a face is in the picture, whatever it expresses and a little however it is turned."""

import numpy as np

from workers.arrays import Floats
from workers.face.head_pose import HEAD
from workers.measures.layout import BRIDGE_AND_CANTHI, FaceLayout

_RIGID = HEAD[list(BRIDGE_AND_CANTHI)]
_FITTED = np.linalg.pinv(_RIGID - _RIGID.mean(axis=0))
"""(3, 8): what takes points to the map from the head to them, by least squares."""


def face_sizes(points: Floats, layout: FaceLayout) -> Floats:
    """px per mm of the average head (n,), from landmarks (n, P, 2), px.

    The affine map from that head's nose bridge and eye corners to the picture, seen from afar, is a
    rotation times this; it is taken as the mean of the map's two singular values. No expression
    changes it. It says nothing of this person's own size.
    """
    rigid = points[:, layout.rigid]
    rigid = rigid - rigid.mean(axis=1, keepdims=True)
    rows = (_FITTED[None, :, :, None] * rigid[:, None]).sum(axis=2)  # (n, 3, 2)
    x, y = rows[..., 0], rows[..., 1]
    xx, yy, xy = (x * x).sum(axis=1), (y * y).sum(axis=1), (x * y).sum(axis=1)
    # Of a 2-row matrix: (s1 + s2)² = trace + 2 sqrt(determinant) of it times its transpose.
    determinant = np.maximum(xx * yy - xy * xy, 0.0)
    return np.asarray(np.sqrt(xx + yy + 2.0 * np.sqrt(determinant)) / 2.0)
