"""The ruler of a recording: millimetres from irises, whatever eyes and head do."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.outputs.measures.ruler import ruler
from tests.tasks.outputs.measures.filmed import (
    EXERCISES,
    STILL,
    SWAYING,
    exercised,
    filmed,
    measured,
    still,
    true_through,
    without_faces,
    without_irises,
)
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.pose import FacePose
from weights.demo.true_measures import MM
from workers.measures.layout import WFLW98_LAYOUT

SHUT = Activations(SideActivations(au45=1.0), SideActivations(au45=1.0))
MM_IN_A_FACE = MM
INNER_CANTHI = 0.19 * MM
"""mm."""


@pytest.mark.parametrize("height", [60.0, 360.0, 700.0])
def test_a_millimetre_has_its_px_at_any_size(height):
    faces = filmed([FacePose(640.0, 360.0, height, roll=9.0)] * 3, [Activations()] * 3)
    scale = ruler(replace(faces, width=4000, height=4000), WFLW98_LAYOUT)
    assert scale.unit == "mm"
    np.testing.assert_allclose(scale.px, height / MM_IN_A_FACE, rtol=1e-4)
    assert scale.spread < 1e-4


def test_every_measure_of_a_recording_is_true_in_mm():
    found, true = measured(exercised(SWAYING)), true_through(SWAYING)
    assert found.ruler.unit == "mm"
    for name in true[0].of_sides:
        told, known = found.of_sides[name], np.array([one.of_sides[name] for one in true])
        if name == "mouth_area":
            np.testing.assert_allclose(told, known, rtol=5e-3, atol=0.5)
        else:
            allowed = 0.2 if name == "smile_angle" else 0.05
            assert np.nanmax(np.abs(told - known)) < allowed, name


def test_closing_both_eyes_does_not_change_the_ruler():
    opened, shut = [Activations()] * 30, [SHUT] * 60
    faces = filmed([FacePose(640.0, 360.0, 360.0)] * 120, opened + shut + opened)
    # What a tracker sees of the iris of a shut eye is anything.
    faces.rings[30:90] = 600.0 + (faces.rings[30:90] - 600.0) * 0.4
    scale = ruler(faces, WFLW98_LAYOUT)
    np.testing.assert_allclose(scale.px, 360.0 / MM_IN_A_FACE, rtol=1e-5)
    assert scale.frames == 60


def test_a_face_that_comes_nearer_does_not_grow():
    heights = np.linspace(300.0, 500.0, 200)
    poses = [FacePose(640.0, 360.0, height) for height in heights]
    found = measured(filmed(poses, [Activations()] * 200))
    told = found.of_sides["commissure_excursion"]
    assert np.ptp(told[15:-15]) < 0.05
    np.testing.assert_allclose(found.ruler.px[100] * MM_IN_A_FACE, heights[100], rtol=1e-3)


def test_without_irises_lengths_are_in_inner_canthal_distances():
    found, in_mm = measured(without_irises(exercised())), measured(exercised())
    assert found.ruler.unit == "icd"
    told = found.of_sides["palpebral_fissure_height"] * INNER_CANTHI
    np.testing.assert_allclose(told, in_mm.of_sides["palpebral_fissure_height"], atol=1e-2)
    areas = found.of_sides["mouth_area"] * INNER_CANTHI**2
    np.testing.assert_allclose(areas, in_mm.of_sides["mouth_area"], atol=0.5)
    assert not found.ruler.turned


def test_eyes_that_are_never_open_give_no_millimetres():
    assert ruler(still(40, SHUT), WFLW98_LAYOUT).unit == "icd"


def test_a_head_that_never_looks_ahead_gives_no_millimetres_and_says_so():
    scale = ruler(still(40, yaw=30.0), WFLW98_LAYOUT)
    assert (scale.unit, scale.turned) == ("icd", True)


def test_turned_frames_have_no_say_in_the_ruler():
    ahead, aside = FacePose(640.0, 360.0, 360.0), FacePose(640.0, 360.0, 360.0, yaw=25.0)
    faces = filmed([ahead] * 20 + [aside] * 60, [Activations()] * 80)
    scale = ruler(faces, WFLW98_LAYOUT)
    assert (scale.unit, scale.frames) == ("mm", 20)
    np.testing.assert_allclose(scale.px[:5], 360.0 / MM_IN_A_FACE, rtol=1e-5)


def test_one_frame_makes_a_ruler_and_none_makes_none():
    assert ruler(still(1), WFLW98_LAYOUT).px[0] * MM_IN_A_FACE == pytest.approx(360.0, rel=1e-4)
    nothing = ruler(without_faces(still(7), slice(None)), WFLW98_LAYOUT)
    assert nothing.frames == 0
    assert np.isnan(nothing.px).all()


def test_the_spread_is_that_of_single_frames():
    faces = still(400)
    factors = 1.0 + 0.08 * np.random.default_rng(2).standard_normal((400, 1, 1, 1))
    middles = faces.rings.mean(axis=2, keepdims=True)
    noisy = replace(faces, rings=(middles + (faces.rings - middles) * factors).astype(np.float32))
    assert ruler(noisy, WFLW98_LAYOUT).spread == pytest.approx(0.08, rel=0.15)


def test_exercises_are_as_long_as_the_recording():
    assert EXERCISES[-1].stop <= STILL.seconds
