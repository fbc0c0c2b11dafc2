"""Steps of a fit: what they move, what holds them back, and when there is none."""

import numpy as np
import pytest

from tests.stand_ins.shape_models import made_up
from workers.face.shape.gauss_newton import (
    RIGID,
    derivatives,
    distance,
    held_back,
    moved,
    nearest_rotation,
    solved,
)
from workers.face.shape.shape_model import Pose, rotation_matrix


def posed(seed=0):
    model = made_up(seed=seed)
    local = np.array([10.0, -20.0, 5.0, 2.0, 3.0])
    pose = Pose(2.5, rotation_matrix(np.array([0.1, -0.4, 0.3])), np.array([40.0, -9.0]))
    return model, pose, local


@pytest.mark.parametrize("entry", range(11))
def test_derivatives_say_where_a_small_step_moves_the_points(entry):
    model, pose, local = posed()
    shape = model.shape(local)
    by_step = derivatives(model, pose, shape)
    assert by_step.shape == (11, 2 * 68)
    small = np.zeros(11)
    small[entry] = 1e-6
    there = moved(pose, small).project(model.shape(local + small[RIGID:]))
    expected = (there - pose.project(shape)).ravel() / 1e-6
    np.testing.assert_allclose(by_step[entry], expected, atol=1e-3)


def test_a_rigid_step_has_the_first_six_entries():
    model, pose, local = posed()
    shape = model.shape(local)
    rigid = derivatives(model, pose, shape, rigid=True)
    np.testing.assert_array_equal(rigid, derivatives(model, pose, shape)[:6])


def test_parameters_are_held_back_and_the_pose_is_not():
    random = np.random.default_rng(0)
    by_step = random.standard_normal((9, 30))
    off, local, stiffness = random.standard_normal(30), np.array([3.0, -1.0, 2.0]), np.arange(1, 4)
    normal, pull = by_step @ by_step.T, by_step @ off
    held = np.diag([0.0] * 6 + [1.0, 2.0, 3.0])
    expected = np.linalg.solve(normal + held, pull - held @ [*[0] * 6, *local])
    held_back(normal, pull, local, stiffness.astype(float))
    np.testing.assert_allclose(solved(normal, pull), expected)


def test_equations_that_say_nothing_have_no_step():
    assert solved(np.zeros((6, 6)), np.zeros(6)) is None


def test_the_nearest_rotation_is_the_one_that_a_decomposition_gives():
    for x, y, z in np.random.default_rng(1).uniform(-2, 2, (20, 3)):
        left, _, right = np.linalg.svd(np.array([[1, -z, y], [z, 1, -x], [-y, x, 1]]))
        np.testing.assert_allclose(nearest_rotation(x, y, z), left @ right, atol=1e-12)
    np.testing.assert_array_equal(nearest_rotation(0.0, 0.0, 0.0), np.eye(3))


def test_the_distance_counts_all_coordinates():
    assert distance(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones((2, 2))) == np.sqrt(1 + 4 + 9)
