"""Moving a shape after mean shifts: non-uniform regularised landmark mean shift (NU-RLMS).

Source: Baltrušaitis, Robinson, Morency, "Constrained local neural fields for robust facial landmark
detection in the wild", ICCVW 2013, with OpenFace 2's steps and rules for stopping.
"""

from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats, Tensor
from workers.clnf.mean_shift import GaussianWeights, mean_shifts
from workers.face.shape.gauss_newton import RIGID, derivatives, distance, held_back, moved, solved
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import Pose, ShapeModel, rotation_matrix

MOST_STEPS = 5
STANDS_STILL = 0.01
"""px: a step that moved all points together by less was the last."""
MOST_DEVIATIONS = 3.0
"""Parameters stay within so many standard deviations."""
MOST_TURNED = np.pi / 2
"""Angles stay within this, radians."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What the picture says around the landmarks of a shape.

    maps: (N, W, W), each with something above 0; base: (2, N) px, their centres; to_map,
    to_picture: (2, 2), from px of the picture to steps of the maps and back; weights: (2N,), how
    much each landmark's x and y count, 0 where nothing is known; gaussian: for the mean shift.
    """

    maps: Floats
    base: Floats
    to_map: Tensor
    to_picture: Tensor
    weights: Floats
    gaussian: GaussianWeights

    def pulls(self, points: Floats) -> Floats:
        """The mean shifts of points (2, N), px of the picture: (2, N)."""
        places = self.to_map @ (points - self.base).astype(np.float32)
        places += np.float32((self.gaussian.window - 1) // 2)
        return np.asarray(self.to_picture @ mean_shifts(self.maps, places, self.gaussian))


def optimised(
    model: ShapeModel, start: ShapeFit, evidence: Evidence, regularisation: float
) -> ShapeFit | None:
    """The pose alone, then pose and parameters, moved to where the evidence pulls them.

    regularisation: how much the parameters are drawn to 0, in parts of one over their variance.
    None where the evidence does not determine a step.
    """
    turned = _moved_along(model, start, evidence, None)
    return None if turned is None else _moved_along(model, turned, evidence, regularisation)


def _moved_along(
    model: ShapeModel, start: ShapeFit, evidence: Evidence, regularisation: float | None
) -> ShapeFit | None:
    """regularisation: None moves the pose only."""
    pose, local = start.pose, start.local
    shape, before = model.shape(local), None
    most = MOST_DEVIATIONS * np.sqrt(model.variances)
    for _ in range(MOST_STEPS):
        points = pose.project(shape)
        if before is not None and distance(points, before) < STANDS_STILL:
            break
        before = points
        by_step = derivatives(model, pose, shape, rigid=regularisation is None)
        weighted = by_step * evidence.weights
        normal, pull = weighted @ by_step.T, weighted @ evidence.pulls(points).ravel()
        if regularisation is not None:
            held_back(normal, pull, local, regularisation / model.variances)
        step = solved(normal, pull)
        if step is None:
            return None
        pose = _within_limits(moved(pose, step))
        if regularisation is not None:
            local = np.minimum(np.maximum(local + step[RIGID:], -most), most)
            shape = model.shape(local)
    return ShapeFit(pose, local)


def _within_limits(pose: Pose) -> Pose:
    # With the middle angle within a quarter turn, the others are where these cosines are positive.
    if pose.rotation[0, 0] >= 0.0 and pose.rotation[2, 2] >= 0.0:
        return pose
    angles = np.clip(pose.angles, -MOST_TURNED, MOST_TURNED)
    return Pose(pose.scale, rotation_matrix(angles), pose.translation)
