"""Parts of the face: where they start, what they give, whose points win."""

import numpy as np
import pytest

from tests.stand_ins.landmark_models import dot_face, dot_shapes, drawn, face_at
from workers.clnf.model_file import LIDS
from workers.face.shape.shape_fit import fit_shape
from workers.face.shape.shape_model import Pose


def located(part, grey, face):
    """A part's points in a picture."""
    return part.model.projected(part.located(grey, face))


def test_the_inner_face_starts_over_its_own_points(dot_models):
    points, _ = face_at(2.0, local=(5.0, 3.0, -4.0, 0.0))
    start = dot_models.parts["inner"].start(points)
    expected = fit_shape(dot_face().only(np.arange(17, 68)), points[17:])
    np.testing.assert_array_equal(start.local, expected.local)
    np.testing.assert_array_equal(start.pose.translation, expected.pose.translation)


def test_an_eye_starts_off_the_face_as_openface_does(dot_models, monkeypatch):
    points, _ = face_at(2.0)
    begun = []
    monkeypatch.setattr(
        "workers.clnf.parts.fit_shape",
        lambda model, at, start: begun.append((model, at, start)) or fit_shape(model, at, start),
    )
    start = dot_models.parts["right_eye"].start(points)
    ((model, at, pose),) = begun
    np.testing.assert_array_equal(at, points[36:42])
    # Of a list of 28 x and 28 y, 0 where the face has no such point, the first six numbers are
    # taken for x and the next six for y: the x of the first two lid points are among them.
    extent = max(points[36, 0], points[37, 0])
    size = np.trunc(np.ptp(dot_shapes()["right_eye"].mean[:2, LIDS], axis=1))
    assert pose.scale == pytest.approx((0.0 / size[0] + extent / size[1]) / 2)
    assert pose.translation.tolist() == [0.0, extent / 2]
    assert pose.scale > 4 * 2.0
    # And it comes home.
    np.testing.assert_allclose(start.pose.project(model.shape(start.local)).T, at, atol=0.3)


def test_an_eye_begins_at_the_left_border_as_well(dot_models):
    points, _ = face_at(2.0, centre=(0.0, 240.0))
    for x in (-300.0, -45.0, -1.0, 0.1, 60.0):
        moved = points + np.array([x - points[36, 0], 0.0])
        start = dot_models.parts["right_eye"].start(moved)
        seen = start.pose.project(dot_shapes()["right_eye"].only(LIDS).shape(start.local)).T
        np.testing.assert_allclose(seen, moved[36:42], atol=0.5)


def test_a_part_finds_its_points_in_the_picture(dot_models):
    points, _ = face_at(2.0)
    grey = drawn(points, 2.0)
    off = points + np.array([1.5, -1.0])
    inner = located(dot_models.parts["inner"], grey, off)
    assert np.linalg.norm(inner - points[17:], axis=1).max() < 0.3
    eye = located(dot_models.parts["left_eye"], grey, off)
    assert eye.shape == (28, 2)
    assert np.linalg.norm(off - points, axis=1).min() > 1.8
    assert np.linalg.norm(eye[LIDS] - points[42:48], axis=1).max() < 0.9


@pytest.mark.parametrize("points", [np.full((68, 2), 7.0), np.full((68, 2), np.nan)])
def test_points_that_are_none_start_nothing(dot_models, points):
    grey = np.zeros((48, 64), np.uint8)
    assert dot_models.parts["inner"].located(grey, points) is None


def test_a_parts_points_take_the_place_of_the_faces(dot_models):
    face = np.zeros((68, 2))
    eye = np.arange(56.0).reshape(28, 2) + 1
    merged = dot_models.parts["left_eye"].merged(eye, face)
    np.testing.assert_array_equal(merged[42:48], eye[LIDS])
    assert not merged[:42].any()
    assert not merged[48:].any()
    inner = np.full((51, 2), 5.0)
    merged = dot_models.parts["inner"].merged(inner, face)
    assert (merged[17:] == 5.0).all()
    assert not merged[:17].any()
    assert not face.any()


def test_a_part_is_looked_for_in_faces_that_are_large_enough(dot_models):
    for part in dot_models.parts.values():
        assert [part.is_seen_at(scale) for scale in (0.5, 0.9, 0.91)] == [False, False, True]


def test_an_eye_keeps_what_its_first_scale_found_where_the_face_is_small(dot_models):
    points, _ = face_at(1.0)  # of the eyes' scales 1 and 1.5 only the first is coarse enough
    grey = drawn(points, 1.0)
    eye = dot_models.parts["right_eye"]
    model = eye.model
    first = type(eye)(
        type(model)(model.shape, model.experts[:1], model.schedules[:1]), eye.of_face, LIDS, (3,)
    )
    np.testing.assert_array_equal(located(eye, grey, points), located(first, grey, points))
    assert isinstance(eye.start(points).pose, Pose)
