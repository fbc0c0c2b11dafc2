"""Response maps, by the definition and at its edges."""

import cv2
import numpy as np
import pytest

from tests.stand_ins.landmark_models import SIZE, experts_file, neighbours
from weights.clnf.patch_expert_file import read_patch_experts
from workers.clnf.patch_experts import PatchExperts
from workers.clnf.response_maps import response_maps

RANDOM = np.random.default_rng(0)
NEURONS = 3


def made_up_neurons(gain=4.0):
    return [
        (
            RANDOM.uniform(0.5, gain),
            RANDOM.uniform(-3, 1),
            RANDOM.uniform(1, 9),
            RANDOM.uniform(-1, 1, (SIZE, SIZE)),
        )
        for _ in range(NEURONS)
    ]


@pytest.fixture
def prepared(tmp_path):
    """Makes the experts of one view of landmarks with these neurons, for one window."""

    def make(landmarks, window, beta=0.5, around=neighbours):
        path = tmp_path / "experts.txt"
        experts = [[(neurons, [beta] if neurons else [], 0.5) for neurons in landmarks]]
        visible = [[len(neurons) > 0 for neurons in landmarks]]
        path.write_bytes(experts_file(0.5, [0.0], visible, experts, {window: around(window)}))
        return PatchExperts(read_patch_experts(path)).of_view(0, window)

    return make


def by_definition(neurons, area, window, beta):
    total = np.zeros((window, window))
    for gain, bias, alpha, kernel in neurons:
        likeness = cv2.matchTemplate(area, kernel.astype(np.float32), cv2.TM_CCOEFF_NORMED)
        total += 2 * alpha / (1 + np.exp(-(gain * likeness + bias)))
    strength = sum(alpha for _, _, alpha, _ in neurons)
    precision = 2 * (strength * np.eye(window**2) + beta * neighbours(window)[0])
    found = np.linalg.solve(precision, total.ravel()).reshape(window, window)
    return found - min(found.min(), 0.0)


@pytest.mark.parametrize("window", [3, 5, 9])
def test_maps_are_what_the_definition_gives(prepared, window):
    landmarks = [made_up_neurons() for _ in range(4)]
    width = window + SIZE - 1
    areas = RANDOM.uniform(0, 255, (4, width, width)).astype(np.float32)
    maps = response_maps(prepared(landmarks, window), areas)
    assert maps.shape == (4, window, window)
    for one, neurons, area in zip(maps, landmarks, areas, strict=True):
        np.testing.assert_allclose(one, by_definition(neurons, area, window, 0.5), atol=1e-5)


def test_a_flat_patch_is_like_nothing(prepared):
    landmarks = [made_up_neurons(), made_up_neurons()]
    areas = np.full((2, 13, 13), 137.3, dtype=np.float32)
    areas[1, :, 12] = 200.0  # only the last column of places sees an edge
    flat, edged = response_maps(prepared(landmarks, 3, beta=0.0), areas)
    of_nothing = [
        sum(2 * alpha / (1 + np.exp(-bias)) for _, bias, alpha, _ in neurons)
        / (2 * sum(alpha for _, _, alpha, _ in neurons))
        for neurons in landmarks
    ]
    np.testing.assert_allclose(flat, of_nothing[0], rtol=1e-6)
    np.testing.assert_allclose(edged[:, :2], of_nothing[1], rtol=1e-6)
    assert abs(edged[0, 2] - of_nothing[1]) > 1e-3


def test_brightness_and_contrast_do_not_matter(prepared):
    view = prepared([made_up_neurons()], 5)
    area = RANDOM.uniform(0, 1, (1, 15, 15)).astype(np.float32)
    np.testing.assert_allclose(
        response_maps(view, 3.0 * area + 200.0), response_maps(view, 200.0 * area), atol=2e-5
    )


def test_a_map_with_negative_values_is_raised_to_0_and_no_other(prepared):
    spiky = [(60.0, -10.0, 3.0, RANDOM.uniform(-1, 1, (SIZE, SIZE)))]
    areas = RANDOM.uniform(0, 255, (40, 13, 13)).astype(np.float32)

    def lowest(around):
        view = prepared([spiky], 3, beta=9.0, around=around)
        return np.array([response_maps(view, area[None]).min() for area in areas])

    # Where neighbours are wanted unlike each other, the inverse has negative entries.
    assert (lowest(lambda window: abs(neighbours(window))) == 0.0).sum() > 10
    assert (lowest(neighbours) > 0.0).all()


def test_hidden_landmarks_have_empty_maps(prepared):
    maps = response_maps(
        prepared([made_up_neurons(), []], 3),
        RANDOM.uniform(0, 255, (2, 13, 13)).astype(np.float32),
    )
    assert maps[0].any()
    assert not maps[1].any()


def test_a_neuron_that_is_quite_sure_gives_0_and_no_warning(prepared):
    sure = [(5.0, -500.0, 3.0, RANDOM.uniform(-1, 1, (SIZE, SIZE)))]
    maps = response_maps(
        prepared([sure], 3), RANDOM.uniform(0, 255, (1, 13, 13)).astype(np.float32)
    )
    assert not maps.any()
