"""A shape moves after its mean shifts, within its limits, and stops in time."""

import numpy as np
import pytest

from tests.stand_ins.landmark_models import dot_face
from workers.clnf import optimisation
from workers.clnf.mean_shift import GaussianWeights
from workers.clnf.optimisation import Evidence, optimised
from workers.face.shape.gauss_newton import RIGID, derivatives, moved
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import Pose, rotation_matrix

WINDOW = 9
MODEL = dot_face()
LIMITS = 3 * np.sqrt(MODEL.variances)


def start(scale=2.0, angles=(0.1, -0.2, 0.05), local=(3.0, -4.0, 2.0, 1.0)):
    return ShapeFit(Pose(scale, rotation_matrix(np.array(angles)), np.zeros(2)), np.array(local))


def peaks(fit, shifts, weights=None, size=2.0):
    """Evidence around a fit's landmarks that each lies where `shifts` (2, N) steps point to.

    size: px of the picture a step of the maps.
    """
    places = (np.asarray(shifts) + WINDOW // 2)[:, :, None]
    near = np.exp(-0.5 * (np.arange(WINDOW) - places) ** 2)
    maps = near[1][:, :, None] * near[0][:, None, :]
    weights = np.ones(68) if weights is None else weights
    return Evidence(
        maps=maps,
        base=fit.pose.project(MODEL.shape(fit.local)),
        to_map=(np.eye(2) / size).astype(np.float32),
        to_picture=(np.eye(2) * size).astype(np.float32),
        weights=np.tile(weights, 2),
        gaussian=GaussianWeights(WINDOW, 1.5),
    )


def points(fit):
    return fit.pose.project(MODEL.shape(fit.local))


def one_step(fit, evidence, stiffness, rigid):
    """The normal equations, written out."""
    shape = MODEL.shape(fit.local)
    by_step = derivatives(MODEL, fit.pose, shape, rigid=rigid)
    weights = np.diag(evidence.weights)
    held = np.zeros(len(by_step)) if rigid else np.array([0] * 6 + [*(stiffness / MODEL.variances)])
    drawn = np.zeros(6) if rigid else np.array([0] * 6 + [*fit.local])
    pull = evidence.pulls(fit.pose.project(shape)).ravel()
    return np.linalg.solve(
        by_step @ weights @ by_step.T + np.diag(held), by_step @ weights @ pull - held * drawn
    )


def test_a_landmark_is_pulled_to_its_peak():
    fit = start()
    shifts = np.random.default_rng(0).uniform(-2, 2, (2, 68))
    pulls = peaks(fit, shifts).pulls(points(fit))
    # A mean shift goes part of the way: the product of two Gaussians lies between them.
    between = 1.5**2 / (1.0 + 1.5**2)
    np.testing.assert_allclose(pulls, 2.0 * between * shifts, atol=0.15)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_pose_moves_first_and_then_everything(weighted, monkeypatch):
    monkeypatch.setattr(optimisation, "MOST_STEPS", 1)
    random = np.random.default_rng(1)
    weights = random.uniform(0.1, 1, 68) if weighted else None
    fit = start()
    evidence = peaks(fit, random.uniform(-2, 2, (2, 68)), weights)
    rigid = one_step(fit, evidence, 17.0, rigid=True)
    turned = ShapeFit(moved(fit.pose, rigid), fit.local)
    full = one_step(turned, evidence, 17.0, rigid=False)
    found, expected = optimised(MODEL, fit, evidence, 17.0), moved(turned.pose, full)
    np.testing.assert_allclose(found.local, fit.local + full[RIGID:], atol=1e-9)
    assert found.pose.scale == pytest.approx(expected.scale)
    np.testing.assert_allclose(found.pose.rotation, expected.rotation, atol=1e-12)
    np.testing.assert_allclose(found.pose.translation, expected.translation)


def test_landmarks_of_no_weight_pull_at_nothing():
    fit = start()
    shifts = np.zeros((2, 68))
    shifts[:, :10] = 4.0
    weights = np.ones(68)
    weights[:10] = 0.0
    found = optimised(MODEL, fit, peaks(fit, shifts, weights), 1e9)
    still = optimised(MODEL, fit, peaks(fit, np.zeros((2, 68)), weights), 1e9)
    np.testing.assert_allclose(points(found), points(still), atol=1e-9)


def test_a_shape_that_stands_still_is_left_alone_after_one_step(monkeypatch):
    fit = start(local=(0.0, 0.0, 0.0, 0.0))
    asked = []
    pulls = Evidence.pulls
    monkeypatch.setattr(Evidence, "pulls", lambda self, at: asked.append(at) or pulls(self, at))
    optimised(MODEL, fit, peaks(fit, np.zeros((2, 68))), 1.0)
    assert len(asked) == 2  # one rigid step, and one with the parameters
    asked.clear()
    optimised(MODEL, fit, peaks(fit, np.full((2, 68), 3.0)), 1.0)
    assert len(asked) > 4


def test_parameters_stay_within_three_deviations():
    for sign in (-1.0, 1.0):
        third = np.array([0.0, 0.0, sign * LIMITS[2], 0.0])
        fit = start(local=0.95 * third)
        away = (points(start(local=1.4 * third)) - points(fit)) / 2.0
        found = optimised(MODEL, fit, peaks(fit, np.clip(away, -4, 4)), 1e-6)
        assert found.local[2] == third[2]
        assert (np.abs(found.local) <= LIMITS).all()


@pytest.mark.parametrize("axis", [0, 2])
def test_angles_stay_within_a_quarter_turn(axis):
    angles = np.zeros(3)
    angles[axis] = np.pi / 2 - 0.01
    fit = start(angles=angles)
    further = angles.copy()
    further[axis] += 0.15
    away = (points(start(angles=further)) - points(fit)) / 2.0
    found = optimised(MODEL, fit, peaks(fit, np.clip(away, -4, 4)), 25.0)
    assert found.pose.angles[axis] == pytest.approx(np.pi / 2, abs=0.02)
    assert found.pose.angles[axis] <= np.pi / 2 + 1e-12


def test_evidence_that_determines_nothing_gives_nothing():
    fit = start()
    assert optimised(MODEL, fit, peaks(fit, np.zeros((2, 68)), np.zeros(68)), 25.0) is None
