"""The measures beside Emotrics', of the same landmarks of a real face."""

import numpy as np

from tests.shared import shared
from workers.measures.face_measures import DEVIATIONS, OF_A_SIDE, measure_faces
from workers.measures.layout import IBUG68_LAYOUT

GOLDEN = np.load(shared("emotrics", "golden.npz"))
IRIS_MM = 11.77
NEAR = {
    "commissure_excursion": ("CommissureExcursion", 0.3),
    "smile_angle": ("SmileAngle", 1.0),
    "marginal_reflex_distance_1": ("MarginalReflexDistance1", 0.3),
    "marginal_reflex_distance_2": ("MarginalReflexDistance2", 0.3),
    "brow_height": ("BrowHeight", 0.3),
    "palpebral_fissure_height": ("PalpebralFissureHeight", 0.3),
}
"""Emotrics' name, and mm or degrees."""
ON_UPRIGHT_HEADS = 0.5
"""mm: dental show, of which theirs shows more, as its curves bulge beside the corners, and lip
deviations, which are those of smoothed curves."""
UPRIGHT = 1.0
"""Degrees of roll up to which Emotrics' slip changes little: it shifts half the commissure's way
when the head is rolled."""


def theirs(name):
    column = GOLDEN["measures"].tolist().index(name)
    return np.stack([GOLDEN["left"][:, column], GOLDEN["right"][:, column]], axis=1)


def test_sixteen_sets_of_landmarks_measure_as_emotrics_measures_them():
    irises = [GOLDEN["iris_left"], GOLDEN["iris_right"]]
    centres = np.stack([iris[:, :2] for iris in irises], axis=1)
    ours = measure_faces(GOLDEN["landmarks"], centres, IBUG68_LAYOUT)
    mm = IRIS_MM / sum(iris[:, 2] for iris in irises)[:, None]
    for name, (named, allowed) in NEAR.items():
        told = ours.of_sides[name] * (mm if OF_A_SIDE[name] == "length" else 1.0)
        np.testing.assert_allclose(told, theirs(named), 0, allowed, err_msg=name)
    across = centres[:, 0] - centres[:, 1]
    upright = np.abs(np.degrees(np.arctan2(across[:, 1], across[:, 0]))) < UPRIGHT
    assert upright.sum() == 10
    apart = ours.of_sides["dental_show"] * mm - theirs("DentalShow")
    assert np.abs(apart[upright]).max() < ON_UPRIGHT_HEADS
    for column, name in enumerate(DEVIATIONS):  # Emotrics tells no side
        apart = np.abs(ours.of_face[name] * mm[:, 0]) - GOLDEN["deviations"][:, column]
        assert np.abs(apart[upright]).max() < ON_UPRIGHT_HEADS, name
