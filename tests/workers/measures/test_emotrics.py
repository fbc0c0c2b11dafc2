"""The measures beside Emotrics', of the same landmarks."""

import numpy as np
import pytest

from tests.shared import shared
from tests.workers.measures.faces import phantoms
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.pose import FacePose
from workers.measures.face_measures import DEVIATIONS, OF_A_SIDE, measure_faces
from workers.measures.irises import ring_centres
from workers.measures.layout import IBUG68_LAYOUT

IRIS_MM = 11.77
ALLOWED = {
    "commissure_excursion": ("CommissureExcursion", 0.3),
    "smile_angle": ("SmileAngle", 1.0),
    "marginal_reflex_distance_1": ("MarginalReflexDistance1", 0.3),
    "marginal_reflex_distance_2": ("MarginalReflexDistance2", 0.3),
    "brow_height": ("BrowHeight", 0.3),
    "palpebral_fissure_height": ("PalpebralFissureHeight", 0.3),
}
"""Emotrics' name, and mm or degrees."""

UPRIGHT = 1.0
"""Degrees of roll up to which Emotrics' slip changes little: it shifts half the commissure's way
when the head is rolled."""


@pytest.fixture(scope="module")
def golden():
    return np.load(shared("emotrics", "golden.npz"))


@pytest.fixture(scope="module")
def ours(golden):
    irises = np.stack([golden["iris_left"][:, :2], golden["iris_right"][:, :2]], axis=1)
    return measure_faces(golden["landmarks"], irises, IBUG68_LAYOUT)


@pytest.fixture(scope="module")
def mm(golden):
    """mm in a px (16, 1)."""
    return (IRIS_MM / (golden["iris_left"][:, 2] + golden["iris_right"][:, 2]))[:, None]


def upright(golden):
    across = golden["iris_left"] - golden["iris_right"]
    return np.abs(np.degrees(np.arctan2(across[:, 1], across[:, 0]))) < UPRIGHT


def theirs(golden, name):
    column = golden["measures"].tolist().index(name)
    return np.stack([golden["left"][:, column], golden["right"][:, column]], axis=1)


@pytest.mark.parametrize("name", ALLOWED)
def test_a_measure_is_emotrics(name, golden, ours, mm):
    named, allowed = ALLOWED[name]
    told = ours.of_sides[name] * (mm if OF_A_SIDE[name] == "length" else 1.0)
    np.testing.assert_allclose(told, theirs(golden, named), rtol=0, atol=allowed)


def test_dental_show_is_nearly_emotrics_on_upright_heads(golden, ours, mm):
    """Theirs shows up to 0.45 mm more: as a function of x, its curves bulge beside the corners."""
    apart = ours.of_sides["dental_show"] * mm - theirs(golden, "DentalShow")
    assert np.abs(apart[upright(golden)]).max() < 0.5


def test_lip_deviations_are_nearly_emotrics_on_upright_heads(golden, ours, mm):
    """Emotrics tells no side. In the mouth that was opened by hand the lower lip falls steeply
    beside its corner, where a curve as a function of x and one by length differ."""
    opened = np.array(["mouth open" in name for name in golden["names"]])
    for column, name in enumerate(DEVIATIONS):
        apart = np.abs(ours.of_face[name] * mm[:, 0]) - golden["deviations"][:, column]
        assert np.abs(apart[upright(golden) & ~opened]).max() < 0.5, name
        assert np.abs(apart[opened]).max() < 0.7, name


EMOTRICS_OF_A_DRAWN_FACE = {
    "commissure_excursion": (24.98, 32.65),
    "smile_angle": (117.92, 124.12),
    "marginal_reflex_distance_1": (4.89, 2.64),
    "marginal_reflex_distance_2": (4.49, 3.74),
    "brow_height": (24.78, 28.04),
    "palpebral_fissure_height": (9.38, 6.38),
    "dental_show": (0.00, 7.94),
    "commissure_height_deviation": -6.62,
    "upper_lip_height_deviation": -3.21,
    "lower_lip_height_deviation": 3.92,
}
"""Left and right, mm and degrees, of the face below: Emotrics' way with the smoothing splines that
it uses (SciPy's, s = 1 px²; the fissure's upper lid 4)."""

IBUG_OF_WFLW = [
    *range(0, 33, 2),
    *(33, 34, 35, 36, 37, 42, 43, 44, 45, 46),
    *range(51, 60),
    *(60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75),
    *range(76, 96),
]
"""Their common points."""


def test_a_drawn_face_measures_as_emotrics_measures_it():
    """It smiles with its right side, half shuts its right eye and raises its right brow."""
    right = SideActivations(au12=0.6, au25=0.7, au45=0.4, au01=0.5, au02=0.5)
    faces = phantoms(FacePose(1400.0, 1300.0, 1000.0), [Activations(right=right)])
    centres = ring_centres(faces.rings)
    found = measure_faces(faces.points[:, IBUG_OF_WFLW], centres, IBUG68_LAYOUT)
    for name, expected in EMOTRICS_OF_A_DRAWN_FACE.items():
        told = (found.of_sides | found.of_face)[name][0]
        if name == "smile_angle":
            np.testing.assert_allclose(told, expected, atol=0.2)
        else:
            np.testing.assert_allclose(told * faces.mm, expected, atol=0.25, err_msg=name)
