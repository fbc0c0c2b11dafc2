"""Where a head is before the camera, and how it is turned, as OpenFace 2 tells it.

Nothing is known of the camera, so a focal length is guessed as OpenFace 2 does: 500 px for a
picture of 640x480, and in proportion for others. Distances are as right as that guess.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from workers.arrays import Floats
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import ShapeModel, euler_angles, rotation_matrix

FOCAL_LENGTH = 500.0
USUAL_SIZE = (640.0, 480.0)


@dataclass(frozen=True, slots=True, eq=False)
class CameraPose:
    """position: (3,) mm from the camera, x to the image's right, y down, z away from it; angles:
    (3,) radians around x, y, z, of the head as seen along the line from the camera to it."""

    position: Floats
    angles: Floats

    def values(self) -> Floats:
        """(6,): position, angles."""
        return np.concatenate([self.position, self.angles])


def camera_pose(
    model: ShapeModel, fit: ShapeFit, points: Floats, width: int, height: int
) -> CameraPose:
    """The pose in perspective of a shape whose points are seen at (N, 2), px.

    fit: the same in weak perspective, from which it is found; width, height: px of the picture.
    """
    focal = FOCAL_LENGTH * (width / USUAL_SIZE[0] + height / USUAL_SIZE[1]) / 2.0
    centre = np.array([width / 2.0, height / 2.0])
    away = focal / fit.pose.scale
    position = np.array([*((fit.pose.translation - centre) / focal * away), away])
    camera = np.array([[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]])
    turn, _ = cv2.Rodrigues(fit.pose.rotation)
    _, turn, moved = cv2.solvePnP(
        np.ascontiguousarray(model.shape(fit.local).T),
        np.ascontiguousarray(points),
        camera,
        None,
        rvec=turn,
        tvec=position.reshape(3, 1),
        useExtrinsicGuess=True,
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    rotation, _ = cv2.Rodrigues(turn)
    seen_from = np.asarray(moved, dtype=np.float64).reshape(3)
    towards = _along_line_of_sight(seen_from) @ rotation
    return CameraPose(seen_from, euler_angles(np.asarray(towards, dtype=np.float64)))


def _along_line_of_sight(position: Floats) -> Floats:
    """The rotation (3, 3) that turns the line from the camera to a position (3,) onto its axis."""
    x, y, z = position
    return rotation_matrix(np.array([np.arctan2(y, np.hypot(x, z)), -np.arctan2(x, z), 0.0]))
