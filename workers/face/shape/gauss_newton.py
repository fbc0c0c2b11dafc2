"""What a Gauss-Newton step that fits a shape model consists of.

A step is a vector (6 + M,): scale, rotation vector (3), translation (2), parameters (M). After
OpenFace 2, the rotation vector turns the shape before the pose's own rotation does. A rigid step
has the first six only.
"""

import math

import cv2
import numpy as np

from workers.arrays import Floats
from workers.face.shape.shape_model import Pose, ShapeModel

RIGID = 6
"""Entries of a step that move the pose; those of the parameters follow."""


def derivatives(model: ShapeModel, pose: Pose, shape: Floats, *, rigid: bool = False) -> Floats:
    """How a step's entries move the projected points: (6 + M, 2N), in each row all x, then all y.

    shape: (3, N) mm, that of the present parameters.
    """
    s, points = pose.scale, shape.shape[1]
    (a, b, c), (d, e, f) = pose.rotation[:2].tolist()
    made = np.zeros((RIGID if rigid else RIGID + model.variances.size, 2, points))
    of_scale_and_rotation = [
        [[a, b, c], [d, e, f]],
        [[0.0, s * c, -s * b], [0.0, s * f, -s * e]],
        [[-s * c, 0.0, s * a], [-s * f, 0.0, s * d]],
        [[s * b, -s * a, 0.0], [s * e, -s * d, 0.0]],
    ]
    np.matmul(np.array(of_scale_and_rotation), shape, out=made[:4])
    made[4, 0] = made[5, 1] = 1.0
    if not rigid:
        np.matmul(s * pose.rotation[:2], model.modes, out=made[RIGID:])
    return made.reshape(-1, 2 * points)


def held_back(normal: Floats, pull: Floats, local: Floats, stiffness: Floats) -> None:
    """Adds to the normal equations, in place, what draws parameters (M,) back to 0.

    normal: (6 + M, 6 + M); pull: (6 + M,); stiffness: (M,) of the parameters.
    """
    normal.reshape(-1)[RIGID * (len(normal) + 1) :: len(normal) + 1] += stiffness
    pull[RIGID:] -= stiffness * local


def solved(normal: Floats, pull: Floats) -> Floats | None:
    """The step that the normal equations (D, D) and (D,) ask for; None where they do not say."""
    determined, step = cv2.solve(normal, pull, flags=cv2.DECOMP_CHOLESKY)
    return np.asarray(step.ravel(), dtype=np.float64) if determined else None


def distance(points: Floats, others: Floats) -> float:
    """The norm of all coordinates' differences."""
    off = (points - others).ravel()
    return math.sqrt(float(off @ off))


def moved(pose: Pose, step: Floats) -> Pose:
    """The pose after a step; its parameters are left to the caller."""
    scale, x, y, z = step[:4].tolist()
    rotation = pose.rotation @ nearest_rotation(x, y, z)
    return Pose(pose.scale + scale, rotation, pose.translation + step[4:6])


def nearest_rotation(x: float, y: float, z: float) -> Floats:
    """The rotation (3, 3) nearest to I + [v]× for a vector v = (x, y, z).

    It turns around v by atan |v|; this is Rodrigues' formula for that angle.
    """
    c = 1.0 / math.sqrt(1.0 + x * x + y * y + z * z)
    k = c * c / (1.0 + c)
    return np.array(
        [
            [c + k * x * x, k * x * y - c * z, k * x * z + c * y],
            [k * x * y + c * z, c + k * y * y, k * y * z - c * x],
            [k * x * z - c * y, k * y * z + c * x, c + k * z * z],
        ]
    )
