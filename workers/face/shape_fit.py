"""Fitting the shape model to 68 landmarks.

Regularised Gauss-Newton with steps halved, after OpenFace 2's `CalcParams`, its start and its rule
for stopping included: the AU models were trained on what this gives. Each fit starts anew from the
mean shape, so a frame's parameters depend on its landmarks alone. OpenFace computes partly in
float32; this does not, and agrees with it within 1e-5.
"""

import math
from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats
from workers.face.shape_model import Pose, ShapeModel

MOST_STEPS = 1000
DAMPING = 0.5
IMPROVED = 0.999
"""An error above this part of the one before counts as no improvement."""
PATIENCE = 5
"""Steps without improvement before the fit ends."""


@dataclass(frozen=True, slots=True, eq=False)
class ShapeFit:
    """Where a shape model stands in a picture. local: (M,) parameters of its modes."""

    pose: Pose
    local: Floats


def fit_shape(model: ShapeModel, points: Floats) -> ShapeFit:
    """The pose and parameters whose projection is nearest to points (68, 2), px.

    Raises ValueError where the points have no extent to be fitted to.
    """
    planar = np.ascontiguousarray(points.T)
    pose, local = _start(model, planar), np.zeros(model.variances.size)
    shape = model.mean
    error = float(np.linalg.norm(planar - pose.project(shape)))
    without_improvement = 0
    for _ in range(MOST_STEPS):
        step = DAMPING * _gauss_newton_step(model, pose, shape, local, planar)
        pose, local = _moved(pose, step), local + step[6:]
        # The shape of before this step: OpenFace's way, and it decides when the fit ends.
        before, error = error, float(np.linalg.norm(planar - pose.project(shape)))
        shape = model.shape(local)
        without_improvement += error > IMPROVED * before
        if without_improvement == PATIENCE:
            break
    return ShapeFit(pose, local)


def _start(model: ShapeModel, planar: Floats) -> Pose:
    """The mean shape, upright, over the points. OpenFace truncates its size to whole mm."""
    low, high = planar.min(axis=1), planar.max(axis=1)
    size = np.trunc(np.ptp(model.mean[:2], axis=1))
    scale = float(np.mean((high - low) / size))
    if not (np.isfinite(scale) and scale > 0.0):
        raise ValueError("the landmarks lie in one point or are no numbers")
    return Pose(scale, np.eye(3), (low + high) / 2.0)


def _gauss_newton_step(
    model: ShapeModel, pose: Pose, shape: Floats, local: Floats, planar: Floats
) -> Floats:
    """The undamped step: scale, rotation vector (3), translation (2), parameters (M)."""
    in_x, in_y = _derivatives(model, pose, shape)
    off_x, off_y = planar - pose.project(shape)
    normal = in_x @ in_x.T + in_y @ in_y.T
    pull = in_x @ off_x + in_y @ off_y
    of_modes = np.arange(6, len(normal))
    normal[of_modes, of_modes] += 1.0 / model.variances
    pull[6:] -= local / model.variances
    return np.linalg.solve(normal, pull)


def _derivatives(model: ShapeModel, pose: Pose, shape: Floats) -> Floats:
    """Of the projected points' x and y by the step's entries: (2, 6 + M, 68)."""
    rows = pose.rotation[:2]
    made = np.zeros((2, 6 + model.variances.size, shape.shape[1]))
    made[:, 0] = rows @ shape
    for axis in range(2):
        made[axis, 1:4] = -pose.scale * (cross_matrix(rows[axis]) @ shape)
        made[axis, 4 + axis] = 1.0
    made[:, 6:] = np.tensordot(pose.scale * rows, model.modes, axes=1)
    return made


def _moved(pose: Pose, step: Floats) -> Pose:
    rotation = pose.rotation @ nearest_rotation(step[1:4])
    return Pose(pose.scale + float(step[0]), rotation, pose.translation + step[4:6])


def nearest_rotation(vector: Floats) -> Floats:
    """The rotation (3, 3) nearest to I + [v]× for a vector (3,).

    It turns around v by atan |v|; this is Rodrigues' formula for that angle.
    """
    cross = cross_matrix(vector)
    cosine = 1.0 / math.sqrt(1.0 + float(vector @ vector))
    turned = cosine * cross + cosine**2 / (1.0 + cosine) * (cross @ cross)
    return np.asarray(np.eye(3) + turned, dtype=np.float64)


def cross_matrix(vector: Floats) -> Floats:
    """[v]× (3, 3): its product with a vector is v × that vector."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
