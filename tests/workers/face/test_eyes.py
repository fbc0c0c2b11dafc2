"""AU45: an open eye is 0, a shut one 5, each side reads its own eye."""

import numpy as np
import pytest

from workers.face.eyes import au45
from workers.face.scheme import IBUG68, WFLW98, Eye, LandmarkScheme


def place(points, eye: Eye, ratio: float) -> None:
    points[list(eye.corners)] = [(0, 0), (40, 0)]
    for n, (upper, lower) in enumerate(eye.lids):
        points[upper] = (10 + 10 * n, -20 * ratio)
        points[lower] = (10 + 10 * n, 20 * ratio)


def face(scheme: LandmarkScheme, right: float, left: float):
    points = np.zeros((scheme.count, 2))
    place(points, scheme.right_eye, right)
    place(points, scheme.left_eye, left)
    return points


@pytest.mark.parametrize("scheme", [WFLW98, IBUG68])
@pytest.mark.parametrize(
    ("ratio", "closure"), [(0.4, 0), (0.25, 0), (0.15, 2.5), (0.05, 5), (0, 5)]
)
def test_closure_is_linear_between_open_and_shut(scheme, ratio, closure):
    points = face(scheme, right=ratio, left=0.25)
    assert au45(points, scheme, "right") == pytest.approx(closure)
    assert au45(points, scheme, "left") == pytest.approx(0)


def test_an_eye_without_width_has_no_number():
    assert np.isnan(au45(np.zeros((98, 2)), WFLW98, "left"))
