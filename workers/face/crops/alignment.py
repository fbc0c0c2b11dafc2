"""Aligning a face to the picture that OpenFace 2's AU models know: upright, always as large.

The similarity is found from 24 points that expressions hardly move. It brings the origin of the
shape model to the picture's centre, so it needs the fit's translation, too.
"""

import cv2
import numpy as np

from workers.arrays import Floats, Image
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import ShapeModel

SIZE = 112
SCALE = 0.7
"""px of the aligned picture per mm."""

RIGID = np.array(
    [1, 2, 3, 4, 12, 13, 14, 15, 27, 28, 29, 31, 32, 33, 34, 35, 36, 39, 40, 41, 42, 45, 46, 47]
)
"""Jaw, nose and eye corners; no brows, no mouth, no upper lids."""


def aligning_map(model: ShapeModel, fit: ShapeFit, points: Floats) -> Floats:
    """The affine map (2, 3) from px of the frame to px of the aligned picture.

    points: (68, 2) px. Rotation by Kabsch's method, scale by the points' spread (Procrustes).
    """
    linear = _similarity(points[RIGID], SCALE * model.mean[:2].T[RIGID])
    return np.column_stack([linear, SIZE / 2 - linear @ fit.pose.translation])


def _similarity(source: Floats, target: Floats) -> Floats:
    """The scaled rotation (2, 2) that brings one point set's form (N, 2) to another's."""
    source, target = source - source.mean(axis=0), target - target.mean(axis=0)
    spread = np.sqrt((source**2).sum()), np.sqrt((target**2).sum())
    left, _, right = np.linalg.svd((source / spread[0]).T @ (target / spread[1]))
    upright = np.diag([1.0, np.sign(np.linalg.det(left @ right))])
    rotation = right.T @ upright @ left.T
    return np.asarray(spread[1] / spread[0] * rotation, dtype=np.float64)


def aligned(frame: Image, to_aligned: Floats) -> Image:
    """The aligned picture (112, 112, 3); black where it lies outside the frame.

    OpenCV 4's bilinear warp gives OpenFace's pixels bit for bit; OpenCV 5's does not.
    """
    warped = cv2.warpAffine(frame, to_aligned, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    return np.asarray(warped, dtype=np.uint8)
