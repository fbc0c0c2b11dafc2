"""The fit finds the pose and shape that made some points."""

import numpy as np
import pytest

from tests.stand_ins.shape_models import made_up
from workers.face.shape.shape_fit import fit_shape
from workers.face.shape.shape_model import Pose, ShapeModel, rotation_matrix


@pytest.mark.parametrize("seed", range(5))
def test_what_was_projected_is_found_again(seed):
    model = made_up(seed=seed)
    random = np.random.default_rng(seed)
    angles = random.uniform(-0.4, 0.4, 3)
    pose = Pose(3.0, rotation_matrix(angles), np.array([320.0, 240.0]))
    local = random.standard_normal(5) * np.sqrt(model.variances) * 0.5
    points = pose.project(model.shape(local)).T
    fit = fit_shape(model, points)
    np.testing.assert_allclose(fit.pose.project(model.shape(fit.local)).T, points, atol=0.1)
    assert fit.pose.scale == pytest.approx(3.0, rel=1e-3)
    np.testing.assert_allclose(fit.pose.angles, angles, atol=5e-3)
    np.testing.assert_allclose(fit.local, local, atol=0.5)


def test_the_mean_shape_needs_no_parameters():
    model = made_up()
    points = Pose(2.0, np.eye(3), np.array([100.0, 50.0])).project(model.mean).T
    fit = fit_shape(model, points)
    np.testing.assert_allclose(fit.local, 0.0, atol=1e-3)
    np.testing.assert_allclose(fit.pose.angles, 0.0, atol=1e-4)


def test_moving_and_enlarging_the_points_moves_and_enlarges_the_pose_only():
    model = made_up()
    local = np.array([10.0, -20.0, 5.0, 0.0, 3.0])
    points = Pose(2.0, rotation_matrix(np.array([0.1, 0.2, 0.3])), np.zeros(2)).project(
        model.shape(local)
    )
    shift = np.array([400.0, -30.0])
    here, there = fit_shape(model, points.T), fit_shape(model, points.T + shift)
    np.testing.assert_allclose(there.pose.translation, here.pose.translation + shift)
    np.testing.assert_allclose(there.local, here.local, atol=1e-8)


def test_points_without_extent_are_refused():
    for points in (np.full((68, 2), 7.0), np.full((68, 2), np.nan)):
        with pytest.raises(ValueError, match="one point or are no numbers"):
            fit_shape(made_up(), points)


def test_a_part_of_a_model_is_fitted_to_its_points_alone():
    model = made_up(modes=2)
    points = Pose(2.0, np.eye(3), np.array([100.0, 50.0])).project(model.mean).T
    some = np.array([3, 60, 7, 12, 40, 33, 21])
    part = model.only(some)
    assert part.mean.shape == (3, 7)
    local = np.array([1.0, -2.0])
    np.testing.assert_allclose(part.shape(local), model.shape(local)[:, some])
    fit = fit_shape(part, points[some])
    np.testing.assert_allclose(fit.pose.translation, (100.0, 50.0), atol=0.05)


def test_a_fit_from_afar_comes_home():
    model = made_up()
    points = Pose(2.0, np.eye(3), np.array([100.0, 50.0])).project(model.mean).T
    far = fit_shape(model, points, Pose(20.0, np.eye(3), np.array([0.0, 900.0])))
    assert far.pose.scale == pytest.approx(2.0, abs=1e-3)
    np.testing.assert_allclose(far.pose.translation, (100.0, 50.0), atol=0.1)


def test_points_that_no_shape_can_be_fitted_to_are_refused():
    flat = ShapeModel(np.zeros((3, 68)), np.zeros((1, 3, 68)), np.ones(1))
    points = np.random.default_rng(0).uniform(0, 100, (68, 2))
    with pytest.raises(ValueError, match="no shape can be fitted"):
        fit_shape(flat, points, Pose(1.0, np.eye(3), np.zeros(2)))
