"""Where in the picture the phantom's face is, and how its head is turned.

The face is drawn on a plane (see `face_shape`), and that plane is a relief: `depth` says how far
each of its places lies behind the plane. A turned head is this relief, turned about a point inside
the head and seen from far away.
"""

from dataclasses import dataclass

import numpy as np

from weights.demo.face_shape import BOX_HALF, CHIN, GLABELLA, Activations, Floats, face_points

PIVOT = 0.30
"""How far behind the face's plane the head turns, in units of the face's height."""

BOX_DEPTH = 0.08
"""The depth at which the outline of the head is seen, for its box."""

_CHEEK_DEPTH, _CHEEK_EDGE = 0.28, 0.40
_FOREHEAD_AND_CHIN_DEPTH = 0.10
_NOSE_Y = (-0.150, -0.095, 0.055, 0.110, 0.190)
_NOSE_HEIGHT = (0.0, 0.045, 0.190, 0.120, 0.0)
_NOSE_WIDTH = 0.07
_INVERSION_STEPS = 16


def depth(points: Floats) -> Floats:
    """How far (...,) the places (..., 2) of the face lie behind its plane, in its units.

    The nose stands out in front of it. About a person's, where the landmarks are.
    """
    x, y = points[..., 0], points[..., 1]
    cheek = _CHEEK_DEPTH * (np.minimum(np.abs(x), _CHEEK_EDGE) / _CHEEK_EDGE) ** 2.5
    tall = _FOREHEAD_AND_CHIN_DEPTH * np.square((np.clip(y, -0.55, 0.45) + 0.05) / 0.5)
    nose = np.interp(y, _NOSE_Y, _NOSE_HEIGHT) * np.exp(-np.square(x / _NOSE_WIDTH) / 2.0)
    return np.asarray(cheek + tall - nose, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class FacePose:
    """x, y: centre of the face box, px, while the head is not turned; height: of the box, px.

    Degrees: roll clockwise as seen; yaw to the patient's left; pitch up. The head is turned by yaw
    first, then by pitch, then by roll.
    """

    x: float
    y: float
    height: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0

    @property
    def frontal(self) -> bool:
        """Whether the face's plane is parallel to the picture."""
        return self.yaw == 0.0 and self.pitch == 0.0

    def rotation(self) -> Floats:
        """The rotation (3, 3) of the head; x to the image's right, y down, z into the picture."""
        roll, yaw, pitch = np.deg2rad([self.roll, self.yaw, self.pitch])
        around_z = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
        around_x = [
            [1, 0, 0],
            [0, np.cos(pitch), np.sin(pitch)],
            [0, -np.sin(pitch), np.cos(pitch)],
        ]
        around_y = [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
        return np.asarray(np.array(around_z) @ around_x @ around_y, dtype=np.float64)

    def to_frame(self) -> Floats:
        """The (2, 3) map from the face's plane to px, of a head that is not turned."""
        return np.column_stack([self.height * self.rotation()[:2, :2], [self.x, self.y]])

    def place(self, points: Floats) -> Floats:
        """Places (N, 2) of the face in px."""
        return self._seen(points, depth(points))

    def unplace(self, pixels: Floats) -> Floats:
        """The places (..., 2) of the face that are seen at px (..., 2).

        A few fixed-point steps: the relief is flat enough for heads turned by up to 30 degrees.
        """
        rotation = self.rotation()
        flat = (pixels - [self.x, self.y]) / self.height
        back, lift = np.linalg.inv(rotation[:2, :2]), rotation[:2, 2]
        places = flat @ back.T
        for _ in range(0 if self.frontal else _INVERSION_STEPS):
            behind = depth(places) - PIVOT
            places = (flat - behind[..., None] * lift) @ back.T
        return np.asarray(places, dtype=np.float64)

    def box(self) -> Floats:
        """The face box (4,), px: the upright box around the ellipse that fills the face's own."""
        linear = self.height * self.rotation()[:2, :2] * np.array(BOX_HALF)
        half = np.hypot(linear[:, 0], linear[:, 1])
        (centre,) = self._seen(np.zeros((1, 2)), np.array([BOX_DEPTH]))
        return np.concatenate([centre - half, centre + half])

    def _seen(self, points: Floats, behind: Floats) -> Floats:
        relief = np.column_stack([points, behind - PIVOT])
        flat = relief @ self.rotation()[:2].T
        return np.asarray(self.height * flat + [self.x, self.y], dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is known about a rendered face, px of the picture.

    points: (98, 2) in WFLW's order; box: (4,) x1, y1, x2, y2; midline: (2, 2), glabella and chin.
    """

    points: Floats
    box: Floats
    midline: Floats


def truth(pose: FacePose, activations: Activations) -> Truth:
    """The true measurements of `render(pose, activations, ...)`."""
    points = pose.place(face_points(activations))
    ends = np.stack([points[list(GLABELLA)].mean(axis=0), points[CHIN]])
    return Truth(points=points, box=pose.box(), midline=ends)
