"""Experts of a view: chosen by the head's angles, prepared by the formulas."""

from dataclasses import replace

import numpy as np
import pytest

from tests.stand_ins.landmark_models import SIZE, experts_file, neighbours
from weights.clnf.patch_expert_file import read_patch_experts
from workers.clnf.patch_experts import LEAST_ALPHA, PatchExperts

RANDOM = np.random.default_rng(0)
WEAK = LEAST_ALPHA / 2
KERNELS = RANDOM.standard_normal((3, 2, SIZE, SIZE))
ALPHAS = ((4.0, WEAK), (2.0, 3.0), (5.0, 1.0))
BETAS = (0.5, 1.25, 2.0)


def experts(path, windows, betas):
    """Two views of three landmarks; the first is hidden in the second view."""
    shown = [
        ([(2.0, -1.0, alpha, kernel) for alpha, kernel in zip(*both, strict=True)], beta, 0.5)
        for *both, beta in zip(ALPHAS, KERNELS, betas, strict=True)
    ]
    hidden = [([], [], 0.0), *shown[1:]]
    visible = [[1, 1, 1], [0, 1, 1]]
    path.write_bytes(experts_file(0.5, [0.0, 40.0], visible, [shown, hidden], windows))
    return PatchExperts(read_patch_experts(path))


@pytest.fixture
def patch_experts(tmp_path):
    return experts(tmp_path / "experts.txt", {3: neighbours(3)}, [[beta] for beta in BETAS])


def test_the_view_nearest_to_the_heads_angles_is_taken(patch_experts):
    for degrees, view in ((-50, 0), (19, 0), (20, 0), (21, 1), (90, 1)):  # of equals the first
        assert patch_experts.nearest_view(np.deg2rad([0.0, degrees, 0.0])) == view


def test_nodding_and_tilting_count_as_turning_does(tmp_path):
    path = tmp_path / "experts.txt"
    experts(path, {3: neighbours(3)}, [[beta] for beta in BETAS])
    centres = np.deg2rad([[0.0, 0.0, 0.0], [30.0, 10.0, 0.0]])
    views = PatchExperts(replace(read_patch_experts(path), centres=centres))
    assert views.nearest_view(np.deg2rad([12.0, 9.0, 0.0])) == 0
    assert views.nearest_view(np.deg2rad([20.0, 4.0, 80.0])) == 1


def test_sigma_is_the_inverse_of_what_alphas_and_neighbourhoods_make(patch_experts):
    view = patch_experts.of_view(0, 3)
    for sigma, alphas, beta in zip(view.sigma, ALPHAS, BETAS, strict=True):
        precision = 2 * (sum(alphas) * np.eye(9) + beta * neighbours(3)[0])
        np.testing.assert_allclose(sigma, np.linalg.inv(precision), rtol=1e-5)
    assert view.sigma.dtype == np.float32


def test_without_neighbourhoods_sigma_only_scales(tmp_path):
    windows = {3: np.zeros((0, 9, 9)), 5: np.zeros((0, 25, 25))}
    view = experts(tmp_path / "experts.txt", windows, [[], [], []]).of_view(0, 5)
    np.testing.assert_allclose(view.sigma[1], np.eye(25) / (2 * 5.0), rtol=1e-6)


def test_weak_neurons_count_in_sigma_only(patch_experts):
    strong, weak = patch_experts.of_view(0, 3).alphas[0, 0, :2]
    assert (strong, weak) == (8.0, 0.0)


def test_hidden_landmarks_are_0(patch_experts):
    view = patch_experts.of_view(1, 3)
    assert view.confidences.tolist() == [0.0, 0.5, 0.5]
    for array in (view.kernels, view.biases, view.alphas, view.sigma):
        assert not array[0].any()
        assert array[1].any()


def test_a_view_is_prepared_once(patch_experts):
    assert patch_experts.of_view(1, 3) is patch_experts.of_view(1, 3)
    assert patch_experts.of_view(1, 3) is not patch_experts.of_view(0, 3)


def test_a_window_without_neighbourhoods_is_refused(patch_experts):
    with pytest.raises(KeyError):
        patch_experts.of_view(0, 7)
