"""Where in the picture the phantom's face is."""

from dataclasses import dataclass

import numpy as np

from weights.demo.face_shape import BOX_HALF, CHIN, GLABELLA, Activations, Floats, face_points


@dataclass(frozen=True, slots=True)
class FacePose:
    """centre: of the face box, px; roll: degrees, clockwise as seen; height: of the box, px."""

    x: float
    y: float
    height: float
    roll: float = 0.0

    def to_frame(self) -> Floats:
        """The (2, 3) map from the face's own frame to px."""
        angle = np.deg2rad(self.roll)
        cos, sin = self.height * np.cos(angle), self.height * np.sin(angle)
        return np.array([[cos, -sin, self.x], [sin, cos, self.y]])

    def place(self, points: Floats) -> Floats:
        """Points (N, 2) of the face's own frame in px."""
        matrix = self.to_frame()
        return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], dtype=np.float64)

    def box(self) -> Floats:
        """The face box (4,), px: the upright box around the ellipse that fills the face's own."""
        linear = self.to_frame()[:, :2] * np.array(BOX_HALF)
        half = np.hypot(linear[:, 0], linear[:, 1])
        return np.array([self.x - half[0], self.y - half[1], self.x + half[0], self.y + half[1]])


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
