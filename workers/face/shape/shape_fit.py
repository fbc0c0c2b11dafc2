"""Fitting the shape model to 68 landmarks.

Regularised Gauss-Newton with steps halved, after OpenFace 2's `CalcParams`, its start and its rule
for stopping included: the AU models were trained on what this gives. Each fit starts anew from the
mean shape, so a frame's parameters depend on its landmarks alone. OpenFace computes partly in
float32; this does not, and agrees with it within 1e-5.
"""

from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats
from workers.face.shape.gauss_newton import RIGID, derivatives, distance, held_back, moved, solved
from workers.face.shape.shape_model import Pose, ShapeModel

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

    def values(self) -> Floats:
        """(6 + M,): scale, angles around x, y, z, translation, parameters."""
        pose = self.pose
        return np.array([pose.scale, *pose.angles, *pose.translation, *self.local])


def fit_shape(model: ShapeModel, points: Floats, start: Pose | None = None) -> ShapeFit:
    """The pose and parameters whose projection is nearest to points (N, 2), px.

    start: of the mean shape; upright over the points where there is none.
    Raises ValueError where the points have no extent, or no shape can be fitted to them.
    """
    planar = np.ascontiguousarray(points.T)
    pose, local = start or upright_over(model, planar), np.zeros(model.variances.size)
    shape = model.mean
    error = distance(planar, pose.project(shape))
    without_improvement = 0
    for _ in range(MOST_STEPS):
        step = _damped_step(model, pose, shape, local, planar)
        if step is None:
            raise ValueError("no shape can be fitted to the landmarks")
        pose, local = moved(pose, step), local + step[RIGID:]
        # The shape of before this step: OpenFace's way, and it decides when the fit ends.
        before, error = error, distance(planar, pose.project(shape))
        shape = model.shape(local)
        without_improvement += error > IMPROVED * before
        if without_improvement == PATIENCE:
            break
    return ShapeFit(pose, local)


def upright_over(model: ShapeModel, planar: Floats) -> Pose:
    """The mean shape, upright, over points (2, n), px. OpenFace truncates its size to whole mm.

    Raises ValueError where the points have no extent.
    """
    low, high = planar.min(axis=1), planar.max(axis=1)
    size = np.trunc(np.ptp(model.mean[:2], axis=1))
    scale = float(np.mean((high - low) / size))
    if not (np.isfinite(scale) and scale > 0.0):
        raise ValueError("the landmarks lie in one point or are no numbers")
    return Pose(scale, np.eye(3), (low + high) / 2.0)


def _damped_step(
    model: ShapeModel, pose: Pose, shape: Floats, local: Floats, planar: Floats
) -> Floats | None:
    by_step = derivatives(model, pose, shape)
    normal = by_step @ by_step.T
    pull = by_step @ (planar - pose.project(shape)).ravel()
    held_back(normal, pull, local, 1.0 / model.variances)
    step = solved(normal, pull)
    return None if step is None else DAMPING * step
