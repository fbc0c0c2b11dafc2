"""Where the 68 points are on a face like the phantom."""

import numpy as np
from numpy.typing import NDArray

from weights.demo.face_shape import Activations
from weights.demo.pose import FacePose, truth

OF_98 = np.array(
    [
        *range(0, 33, 2),  # contour
        *(*range(33, 38), *range(42, 47)),  # brows, their upper edges
        *range(51, 60),  # nose
        *(60, 61, 63, 64, 65, 67),  # right eye
        *(68, 69, 71, 72, 73, 75),  # left eye
        *range(76, 96),  # lips
    ]
)
"""Which of WFLW's 98 points the 68 are."""


def resting_face() -> NDArray[np.float64]:
    """(68, 2): a face at rest in its box, from (0, 0) to (1, 1)."""
    pose = FacePose(0.0, 0.0, 100.0)
    points = truth(pose, Activations()).points[OF_98]
    x1, y1, x2, y2 = pose.box()
    return (points - [x1, y1]) / [x2 - x1, y2 - y1]
