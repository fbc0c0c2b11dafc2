"""Where a head is before the camera: a head that is put there is found there."""

import numpy as np
import pytest

from tests.stand_ins.landmark_models import dot_face
from workers.face.shape.camera_pose import camera_pose
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import Pose, rotation_matrix

LOCAL = np.array([10.0, -5.0, 8.0, 0.0])


def photographed(position, angles, width=640, height=480, focal=500.0):
    """A head in perspective: its points, px, and about how it looks from far away."""
    model = dot_face()
    rotation = rotation_matrix(np.array(angles))
    x, y, z = rotation @ model.shape(LOCAL) + np.reshape(position, (3, 1))
    points = focal * np.stack([x / z, y / z], axis=1) + (width / 2, height / 2)
    scale = focal / position[2]
    place = scale * np.array(position[:2]) + (width / 2, height / 2)
    return points, ShapeFit(Pose(scale * 0.97, rotation, place + 2.0), LOCAL)


@pytest.mark.parametrize("position", [(0.0, 0.0, 600.0), (150.0, -80.0, 500.0)])
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.2, -0.3, 0.1)])
def test_the_place_is_found(position, angles):
    points, fit = photographed(position, angles)
    found = camera_pose(dot_face(), fit, points, 640, 480)
    np.testing.assert_allclose(found.position, position, atol=0.5)


def test_angles_of_a_head_in_the_middle_are_its_own():
    points, fit = photographed((0.0, 0.0, 600.0), (0.2, -0.3, 0.1))
    found = camera_pose(dot_face(), fit, points, 640, 480)
    np.testing.assert_allclose(found.angles, (0.2, -0.3, 0.1), atol=1e-3)


@pytest.mark.parametrize("position", [(250.0, 0.0, 500.0), (0.0, 180.0, 500.0), (200, 150, 450)])
def test_a_head_beside_the_middle_that_looks_into_the_camera_is_not_turned(position):
    """It is turned as far as the line of sight is."""
    x, y, z = position
    facing = rotation_matrix(np.array([np.arctan2(y, np.hypot(x, z)), -np.arctan2(x, z), 0.0])).T
    model = dot_face()
    seen = facing @ model.mean + np.reshape(position, (3, 1))
    points = 500.0 * (seen[:2] / seen[2]).T + (320.0, 240.0)
    start = ShapeFit(Pose(500.0 / z, facing, points.mean(axis=0)), np.zeros(4))
    found = camera_pose(model, start, points, 640, 480)
    np.testing.assert_allclose(found.angles, (0.0, 0.0, 0.0), atol=2e-3)


def test_the_focal_length_goes_with_the_pictures_size():
    points, fit = photographed((40.0, 20.0, 600.0), (0.1, 0.1, 0.0), 1280, 960, focal=1000.0)
    found = camera_pose(dot_face(), fit, points, 1280, 960)
    np.testing.assert_allclose(found.position, (40.0, 20.0, 600.0), atol=0.5)
    assert found.values().shape == (6,)
