"""Shapes, their projection, and the files they are read from."""

import numpy as np
import pytest

from tests.stand_ins.shape_models import made_up, written
from weights.manifest import WeightsError
from workers.face.shape.shape_model import (
    Pose,
    euler_angles,
    read_shape_model,
    read_triangles,
    rotation_matrix,
)


def test_angles_come_back_from_their_rotation():
    for angles in np.random.default_rng(0).uniform(-1.2, 1.2, (50, 3)):
        rotation = rotation_matrix(angles)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(euler_angles(rotation), angles, atol=1e-12)


def test_angles_of_more_than_a_quarter_turn_come_back():
    for angles in ([3.0, 0.2, -0.1], [-0.3, -1.5, 2.0], [np.pi, 0.0, 0.0]):
        found = rotation_matrix(euler_angles(rotation_matrix(np.array(angles))))
        np.testing.assert_allclose(found, rotation_matrix(np.array(angles)), atol=1e-12)


def test_rotations_turn_around_x_then_y_then_z():
    quarter = np.pi / 2
    np.testing.assert_allclose(
        rotation_matrix(np.array([quarter, 0, 0])) @ (0, 1, 0), (0, 0, 1), atol=1e-12
    )
    np.testing.assert_allclose(
        rotation_matrix(np.array([0, quarter, 0])) @ (0, 0, 1), (1, 0, 0), atol=1e-12
    )
    np.testing.assert_allclose(
        rotation_matrix(np.array([0, 0, quarter])) @ (1, 0, 0), (0, 1, 0), atol=1e-12
    )


def test_weak_perspective_drops_the_depth():
    pose = Pose(2.0, np.eye(3), np.array([10.0, 20.0]))
    shape = np.array([[1.0, 0.0], [0.0, 3.0], [99.0, -99.0]])
    np.testing.assert_allclose(pose.project(shape), [[12.0, 10.0], [20.0, 26.0]])


def test_a_written_model_is_read_back(tmp_path):
    model = made_up()
    read = read_shape_model(written(model, tmp_path / "pdm.txt"))
    np.testing.assert_array_equal(read.mean, model.mean)
    np.testing.assert_array_equal(read.modes, model.modes)
    np.testing.assert_array_equal(read.variances, model.variances)
    local = np.array([1.0, -2.0, 0.0, 4.0, 0.5])
    flat = local @ model.modes.reshape(5, 204)
    np.testing.assert_allclose(read.deformation(local).reshape(-1), flat)


@pytest.mark.parametrize("text", ["", "2\n1\n6\n1 2\n", "204\n1\n6\n1 2 3\n", "<html>gone</html>"])
def test_a_file_that_is_no_shape_model_is_refused_by_name(text, tmp_path):
    path = tmp_path / "pdm.txt"
    path.write_text(text)
    with pytest.raises(WeightsError, match=r"pdm\.txt .*fetch it again"):
        read_shape_model(path)


def test_triangles_are_read_and_must_name_known_points(tmp_path):
    path = tmp_path / "triangles.txt"
    path.write_text("2\n3\n4\n0 1 2\n 2 1 67 \n")
    assert read_triangles(path).tolist() == [[0, 1, 2], [2, 1, 67]]
    path.write_text("1\n3\n4\n0 1 68\n")
    with pytest.raises(WeightsError, match="beyond 68"):
        read_triangles(path)
