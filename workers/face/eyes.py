"""AU45 (eye closure) from the shape of the eye."""

import numpy as np

from workers.arrays import Floats
from workers.face.mirroring import Side
from workers.face.scheme import Eye, LandmarkScheme

OPEN_RATIO = 0.25
CLOSED_RATIO = 0.05


def aspect_ratio(points: Floats, eye: Eye) -> float:
    """Mean distance between the lids over the distance between the corners.

    Soukupová and Čech 2016, on however many lid pairs the layout has. NaN for an eye of no width.
    """
    outer, inner = (points[i] for i in eye.corners)
    width = float(np.hypot(*(outer - inner)))
    if width == 0.0:
        return float("nan")
    openings = [np.hypot(*(points[upper] - points[lower])) for upper, lower in eye.lids]
    return float(np.mean(openings)) / width


def au45(points: Floats, scheme: LandmarkScheme, side: Side) -> float:
    """Eye closure from 0 (open) to 5 (shut) of the patient's left or right eye.

    points: (P, 2) px of the frame as filmed. Linear between OPEN_RATIO and CLOSED_RATIO.
    """
    eye = scheme.left_eye if side == "left" else scheme.right_eye
    closed = (OPEN_RATIO - aspect_ratio(points, eye)) / (OPEN_RATIO - CLOSED_RATIO)
    return float(5.0 * np.clip(closed, 0.0, 1.0))
