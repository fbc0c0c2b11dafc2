"""Shut eyes: known by irises that are not shown, measured with their lids together."""

import numpy as np
import pytest

from tasks.outputs.measures.movements import movements
from tasks.outputs.measures.record import measures_record
from tasks.outputs.measures.tables import measure_header, measure_rows
from tests.tasks.outputs.measures.filmed import filmed, measured
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.pose import FacePose
from workers.measures.irises import shut_eyes
from workers.measures.layout import WFLW98_LAYOUT

HALF = SideActivations(au45=0.45)
LEFT, RIGHT = 0, 1
BLINK = slice(40, 44)


def blinking(hidden, done=Activations(left=HALF, right=HALF), count=60):  # noqa: B008
    """The lids half shut in BLINK, as a tracker sees those of a shut eye; hidden: sides without
    their irises there."""
    acts = [done if BLINK.start <= i < BLINK.stop else Activations() for i in range(count)]
    faces = filmed([FacePose(640.0, 360.0, 360.0, roll=12.0)] * count, acts)
    faces.rings[BLINK, hidden] = np.nan
    return faces


def test_lids_of_an_eye_that_shows_no_iris_meet():
    found = measured(blinking([RIGHT]))
    fissure = found.of_sides["palpebral_fissure_height"]
    np.testing.assert_allclose(fissure[BLINK, RIGHT], 0.0, atol=1e-9)
    assert fissure[BLINK, LEFT].min() > 3.0  # it is half open: its iris was seen
    assert fissure[[39, 44]].min() > 8.0
    upper, lower = (found.of_sides[f"marginal_reflex_distance_{n}"][BLINK, RIGHT] for n in (1, 2))
    np.testing.assert_allclose(upper, -lower, atol=1e-9)
    np.testing.assert_allclose(found.of_sides["eye_closure"][BLINK, RIGHT], 1.0, atol=1e-9)
    assert found.shut[:, RIGHT].sum() == BLINK.stop - BLINK.start
    assert not found.shut[:, LEFT].any()


def test_only_the_lids_of_a_shut_eye_are_moved():
    one, other = measured(blinking([RIGHT])), measured(blinking([]))
    lower = "marginal_reflex_distance_2"  # the upper lid comes down
    np.testing.assert_array_equal(one.of_sides[lower], other.of_sides[lower])
    for name, values in other.of_sides.items():
        np.testing.assert_array_equal(one.of_sides[name][:, LEFT], values[:, LEFT], name)
        if name not in ("palpebral_fissure_height", "eye_closure") and "reflex" not in name:
            np.testing.assert_array_equal(one.of_sides[name], values, name)


def test_an_open_eye_whose_iris_is_not_seen_is_not_shut():
    """Glasses that shine, an eye that looks away, a head that moves fast."""
    found = measured(blinking([LEFT, RIGHT], Activations()))
    assert not found.shut.any()
    assert found.of_sides["palpebral_fissure_height"].min() > 8.0


def test_an_eye_whose_iris_is_never_seen_is_not_known_to_be_shut():
    faces = blinking([LEFT, RIGHT])
    faces.rings[:, LEFT] = np.nan
    found = measured(faces)
    assert not found.shut[:, LEFT].any()
    assert found.shut[:, RIGHT].any()


def test_the_table_and_the_record_mark_shut_eyes():
    found = measured(blinking([RIGHT]))
    names = measure_header("mm")
    rows = [dict(zip(names, row, strict=True)) for row in measure_rows(found)]
    assert [row["right_eye_shut"] for row in rows] == ["0"] * 40 + ["1"] * 4 + ["0"] * 16
    assert {row["left_eye_shut"] for row in rows} == {"0"}
    assert measures_record(found, movements(found)).shut_eyes == (0, 4)


@pytest.mark.parametrize(("share", "shut"), [(0.79, True), (0.81, False)])
def test_how_near_the_lids_have_to_be(share, shut):
    faces = blinking([LEFT, RIGHT], Activations())
    for side in WFLW98_LAYOUT.sides.values():
        low = faces.points[BLINK][:, side.lower_lid]
        high = faces.points[BLINK][:, side.upper_lid]
        faces.points[BLINK.start : BLINK.stop, side.upper_lid] = low + share * (high - low)
    found = shut_eyes(faces.points, faces.rings, WFLW98_LAYOUT)
    assert found[BLINK].all() == shut
    assert not np.delete(found, np.r_[BLINK], axis=0).any()
