"""The measures of a face against the phantom's truth."""

import numpy as np
import pytest

from tests.workers.measures.faces import expressions, phantoms, reflected
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.pose import FacePose
from workers.measures.face_measures import (
    OF_A_SIDE,
    OF_THE_FACE,
    FaceMeasures,
    Kind,
    measure_faces,
)
from workers.measures.irises import ring_centres
from workers.measures.layout import WFLW98_LAYOUT

ALLOWED: dict[Kind, float] = {"length": 0.05, "angle": 0.2, "area": 0.5}
"""mm, degrees, mm²."""


def in_mm(values: np.ndarray, kind: Kind, mm: float) -> np.ndarray:
    return values * {"length": mm, "area": mm * mm, "angle": 1.0, "share": 1.0}[kind]


def measured(points: np.ndarray, rings: np.ndarray) -> FaceMeasures:
    return measure_faces(points, ring_centres(rings), WFLW98_LAYOUT)


@pytest.mark.parametrize("roll", [-25.0, -7.0, 0.0, 13.0, 25.0])
@pytest.mark.parametrize("height", [40.0, 300.0, 1700.0])
def test_true_points_give_true_measures(roll, height):
    faces = phantoms(FacePose(900.0, 700.0, height, roll=roll), expressions())
    found = measured(faces.points, faces.rings)
    for name, kind in OF_A_SIDE.items():
        true = np.array([one.of_sides[name] for one in faces.true])
        told = in_mm(found.of_sides[name], kind, faces.mm)
        np.testing.assert_allclose(told, true, atol=ALLOWED[kind], err_msg=name)
        assert np.ptp(true) > 10 * ALLOWED[kind], f"{name} never changes"
    for name, kind in OF_THE_FACE.items():
        true = np.array([one.of_face[name] for one in faces.true])
        told = in_mm(found.of_face[name], kind, faces.mm)
        np.testing.assert_allclose(told, true, atol=ALLOWED[kind], err_msg=name)


def test_a_reflected_face_gives_the_same_with_the_sides_exchanged():
    faces = phantoms(FacePose(310.0, 250.0, 330.0, roll=11.0, yaw=8.0, pitch=5.0), expressions())
    straight = measured(faces.points, faces.rings)
    mirrored = measured(*reflected(faces.points, faces.rings, 640))
    for name in OF_A_SIDE:
        there, here = mirrored.of_sides[name][:, ::-1], straight.of_sides[name]
        np.testing.assert_allclose(there, here, rtol=0, atol=1e-9, err_msg=name)
        assert np.abs(here[:, 0] - here[:, 1]).max() > 0.1, f"the sides of {name} are alike"
    for name in OF_THE_FACE:
        there, here = -mirrored.of_face[name], straight.of_face[name]
        np.testing.assert_allclose(there, here, rtol=0, atol=1e-9, err_msg=name)


def test_a_face_alone_measures_as_among_others():
    faces = phantoms(FacePose(310.0, 250.0, 330.0, roll=4.0), expressions()[:9])
    together = measured(faces.points, faces.rings)
    alone = measured(faces.points[5:6], faces.rings[5:6])
    for name in OF_A_SIDE:
        np.testing.assert_array_equal(alone.of_sides[name][0], together.of_sides[name][5])


def test_what_goes_up_is_positive_and_what_goes_to_the_patients_left():
    pose = FacePose(300.0, 300.0, 300.0)
    smile = Activations(left=SideActivations(au12=1.0, au01=1.0))
    found = measured(*(getattr(phantoms(pose, [smile]), name) for name in ("points", "rings")))
    assert found.of_face["commissure_height_deviation"][0] > 1.0
    assert found.of_face["oral_angle"][0] > 1.0
    assert np.diff(found.of_sides["smile_angle"][0])[0] < -5.0
    assert np.diff(found.of_sides["brow_height"][0])[0] < -1.0
    faces = phantoms(pose, [Activations()])
    faces.points[:, 16, 0] += 5.0  # the chin; the patient's left is on the picture's right
    assert measured(faces.points, faces.rings).of_face["chin_deviation"][0] == pytest.approx(5.0)


def test_closed_lips_show_no_teeth_and_enclose_nothing():
    faces = phantoms(FacePose(300.0, 300.0, 300.0), [Activations()])
    for upper, lower in ((89, 95), (90, 94), (91, 93)):
        faces.points[:, upper, 1], faces.points[:, lower, 1] = 366.0, 365.0  # they overlap
    found = measured(faces.points, faces.rings)
    np.testing.assert_array_equal(found.of_sides["dental_show"], 0.0)
    np.testing.assert_allclose(found.of_sides["mouth_area"], 0.0, atol=1e-9)


def test_a_lid_below_the_iris_centre_is_told_as_negative():
    shut = Activations(left=SideActivations(au45=1.0), right=SideActivations(au45=1.0))
    faces = phantoms(FacePose(300.0, 300.0, 300.0), [shut])
    found = measured(faces.points, faces.rings)
    assert (found.of_sides["marginal_reflex_distance_1"] < 0.0).all()
    assert (found.of_sides["palpebral_fissure_height"] > 0.0).all()


def test_points_that_are_missing_leave_only_what_needs_them_empty():
    faces = phantoms(FacePose(300.0, 300.0, 300.0), [Activations()])
    faces.points[:, 46:47] = np.nan  # the left brow's outer end
    found = measured(faces.points, faces.rings)
    assert np.isnan(found.of_sides["brow_height"][0]).tolist() == [True, False]
    others = [name for name in OF_A_SIDE if name != "brow_height"]
    assert all(np.isfinite(found.of_sides[name]).all() for name in others)


def test_iris_centres_in_one_place_give_nothing_and_no_warning():
    faces = phantoms(FacePose(300.0, 300.0, 300.0), [Activations()])
    found = measure_faces(faces.points, np.full((1, 2, 2), 300.0), WFLW98_LAYOUT)
    assert all(np.isnan(values).all() for values in found.of_sides.values())
