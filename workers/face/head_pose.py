"""Where the head is turned: yaw, pitch and roll from the landmarks of one frame.

A rigid head, seen in weak perspective, is fitted to the points that expressions hardly move. It is
symmetric and of average size; its numbers are anthropometric means of adults, rounded (Farkas,
Anthropometry of the Head and Face, 1994: distance of the inner and of the outer canthi, nasal
height, protrusion and width, width of the face) with depths that go with them. A single person's
proportions are others: that shifts the pitch by a few degrees, the same in every frame.

OpenFace 2's shape model is not used for this: it is there for its own AUs only, and its mean face
is not symmetric, which shows as 3 degrees of yaw in a frontal face.
"""

from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats
from workers.face.scheme import LandmarkScheme
from workers.face.shape.shape_fit import fit_shape
from workers.face.shape.shape_model import ShapeModel

HEAD = np.array(
    [
        *((0.0, 0.0, 0.0), (0.0, 12.0, -8.0), (0.0, 24.0, -16.0), (0.0, 36.0, -24.0)),
        *((-16.0, 45.0, -6.0), (-8.0, 47.5, -10.0), (0.0, 49.0, -12.0)),
        *((8.0, 47.5, -10.0), (16.0, 45.0, -6.0)),
        *((-44.5, 4.0, 21.0), (-18.0, 5.0, 12.0), (18.0, 5.0, 12.0), (44.5, 4.0, 21.0)),
        *((-72.0, 12.0, 65.0), (72.0, 12.0, 65.0)),
    ]
)
"""(15, 3) mm from the root of the nose: x to the patient's left, y down, z away from the camera.
The order is that of `LandmarkScheme.rigid`."""

TURNED_YAW = 10.0
"""Degrees: beyond this the two halves are seen so differently that mirroring means little."""

_MODEL = ShapeModel(
    mean=np.ascontiguousarray((HEAD - HEAD.mean(axis=0)).T),
    modes=np.zeros((0, 3, len(HEAD))),
    variances=np.zeros(0),
)


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Degrees. yaw: turned to the patient's left, negative to the right; pitch: up, negative down;
    roll: the crown leans to the patient's left, which is clockwise as seen, negative to the right.
    """

    yaw: float
    pitch: float
    roll: float

    def values(self) -> Floats:
        """(3,): yaw, pitch, roll."""
        return np.array([self.yaw, self.pitch, self.roll])

    @property
    def turned(self) -> bool:
        """Whether the head is turned too far for comparing its halves."""
        return abs(self.yaw) > TURNED_YAW


UNKNOWN = HeadPose(float("nan"), float("nan"), float("nan"))


def head_pose(points: Floats, scheme: LandmarkScheme) -> HeadPose:
    """The pose of the head that landmarks (P, 2), px of the frame, are seen on.

    UNKNOWN where the points have no extent.
    """
    try:
        fit = fit_shape(_MODEL, points[list(scheme.rigid)])
    except (ValueError, np.linalg.LinAlgError):
        return UNKNOWN
    return pose_of(fit.pose.rotation)


def pose_of(rotation: Floats) -> HeadPose:
    """The angles of a rotation (3, 3) of the head: yaw first, then pitch, then roll."""
    pitch = np.arcsin(np.clip(-rotation[2, 1], -1.0, 1.0))
    yaw = np.arctan2(rotation[2, 0], rotation[2, 2])
    roll = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return HeadPose(*(float(angle) for angle in np.degrees([yaw, pitch, roll])))
