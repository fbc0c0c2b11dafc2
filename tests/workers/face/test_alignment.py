"""Aligned faces: upright, centred, always as large; and their masks."""

import cv2
import numpy as np
import pytest

from tests.stand_ins.shape_models import made_up
from workers.face.crops.alignment import RIGID, SCALE, SIZE, aligned, aligning_map
from workers.face.crops.face_mask import RAISED, RISE, face_mask
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import Pose, rotation_matrix


@pytest.mark.parametrize("roll", [-0.7, 0.0, 0.4])
def test_a_turned_and_enlarged_mean_face_comes_back_upright(roll):
    model = made_up()
    pose = Pose(2.5, rotation_matrix(np.array([0.0, 0.0, roll])), np.array([300.0, 200.0]))
    points = pose.project(model.mean).T
    to_aligned = aligning_map(model, ShapeFit(pose, np.zeros(5)), points)
    found = points @ to_aligned[:, :2].T + to_aligned[:, 2]
    np.testing.assert_allclose(found, SCALE * model.mean[:2].T + SIZE / 2, atol=1e-9)


def test_only_the_rigid_points_steer_the_alignment():
    model = made_up()
    pose = Pose(2.5, np.eye(3), np.array([300.0, 200.0]))
    points = pose.project(model.mean).T
    others = np.setdiff1d(np.arange(68), RIGID)
    moved = points.copy()
    moved[others] += 25.0
    fit = ShapeFit(pose, np.zeros(5))
    np.testing.assert_array_equal(aligning_map(model, fit, moved), aligning_map(model, fit, points))


def test_mirrored_points_are_rotated_never_reflected():
    model = made_up()
    pose = Pose(1.0, np.eye(3), np.zeros(2))
    points = pose.project(model.mean).T * (-1.0, 1.0)
    to_aligned = aligning_map(model, ShapeFit(pose, np.zeros(5)), points)
    assert np.linalg.det(to_aligned[:, :2]) > 0


def test_what_lies_outside_the_frame_is_black():
    picture = np.full((50, 50, 3), 200, np.uint8)
    shown = aligned(picture, np.array([[1.0, 0.0, 30.0], [0.0, 1.0, 0.0]]))
    assert (shown[:50, 30:80] == 200).all()
    assert not shown[:, :30].any()
    assert not shown[50:].any()


def points_with(triangle):
    points = np.zeros((68, 2))
    points[[30, 31, 32]] = triangle
    return points


IDENTITY = np.eye(2, 3)


def test_pixels_on_an_edge_are_inside():
    mask = face_mask(
        points_with([(10, 10), (20, 10), (10, 20)]), IDENTITY, np.array([[30, 31, 32]])
    )
    y, x = np.mgrid[:SIZE, :SIZE]
    np.testing.assert_array_equal(mask, (x >= 10) & (y >= 10) & (x + y <= 30))


def test_a_mask_is_the_union_of_its_triangles_however_they_turn():
    random = np.random.default_rng(3)
    points = random.uniform(-20, 130, (68, 2))
    triangles = random.permutation(np.arange(66)).reshape(-1, 3)
    expected = np.zeros((SIZE, SIZE), bool)
    raised = points.copy()
    raised[RAISED, 1] -= RISE
    y, x = np.mgrid[:SIZE, :SIZE]
    for a, b, c in raised[triangles]:
        turns = [
            (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
            for p, q in ((a, b), (b, c), (c, a))
        ]
        expected |= np.all([t >= 0 for t in turns], axis=0) | np.all(
            [t <= 0 for t in turns], axis=0
        )
    np.testing.assert_array_equal(face_mask(points, IDENTITY, triangles), expected)
    assert 0 < expected.sum() < expected.size


def test_opencv_is_one_that_warps_as_openface_does():
    assert int(cv2.__version__.split(".")[0]) == 4
