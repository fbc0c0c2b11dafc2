"""Mean shifts, by the definition: the 0.1 grid and the clamps included."""

import numpy as np
import pytest

from workers.clnf.mean_shift import GaussianWeights, gaussian_weights, mean_shifts

RANDOM = np.random.default_rng(0)


def by_definition(response, x, y, sigma):
    """The shift of one place on one map, everything in loops."""
    window = len(response)
    dx, dy = (min(max(float(v), 0.0), float(np.float32(window - 0.1))) for v in (x, y))
    centres = [
        float(np.float32(0.1) * np.float32(int(np.float32(v) / np.float32(0.1) + np.float32(0.5))))
        for v in (dx, dy)
    ]
    total = along_x = along_y = 0.0
    for row in range(window):
        for column in range(window):
            apart = (column - centres[0]) ** 2 + (row - centres[1]) ** 2
            weight = response[row, column] * np.exp(-0.5 * apart / sigma**2)
            total += weight
            along_x += weight * column
            along_y += weight * row
    return along_x / total - dx, along_y / total - dy


@pytest.mark.parametrize(("window", "sigma"), [(3, 1.0), (7, 1.75), (11, 1.5)])
def test_shifts_are_what_the_definition_gives(window, sigma):
    maps = RANDOM.uniform(0.01, 1, (60, window, window))
    places = RANDOM.uniform(-2, window + 2, (2, 60)).astype(np.float32)
    shifts = mean_shifts(maps, places, GaussianWeights(window, sigma))
    expected = [by_definition(*one, sigma) for one in zip(maps, *places, strict=True)]
    np.testing.assert_allclose(shifts.T, expected, atol=1e-6)


def test_the_gaussians_centre_is_on_a_grid_of_a_tenth_and_the_place_is_not():
    maps = np.broadcast_to(RANDOM.uniform(0.1, 1, (1, 5, 5)), (4, 5, 5))
    x = np.array([1.96, 2.04, 2.06, 2.14], dtype=np.float32)
    shifts = mean_shifts(maps, np.stack([x, np.full_like(x, 2)]), GaussianWeights(5, 1.0))
    landed = shifts[0] + x
    np.testing.assert_allclose(landed[0], landed[1], atol=1e-6)
    np.testing.assert_allclose(landed[2], landed[3], atol=1e-6)
    assert abs(landed[2] - landed[1]) > 1e-3


def test_places_outside_are_brought_to_the_border_first():
    maps = RANDOM.uniform(0.1, 1, (2, 5, 5))
    weights = GaussianWeights(5, 1.0)
    outside = np.array([[-3.0, 8.0], [9.0, -0.5]], dtype=np.float32)
    border = np.array([[0.0, 4.9], [4.9, 0.0]], dtype=np.float32)
    np.testing.assert_array_equal(
        mean_shifts(maps, outside, weights), mean_shifts(maps, border, weights)
    )


def test_a_single_peak_is_where_every_place_is_drawn_to():
    maps = np.zeros((1, 9, 9))
    maps[0, 2, 6] = 0.3
    for place in ((4, 4), (0, 8), (8.9, 0)):
        shift = mean_shifts(maps, np.array(place, np.float32)[:, None], GaussianWeights(9, 1.5))
        np.testing.assert_allclose(shift.ravel(), np.subtract((6, 2), place), atol=1e-6)


def test_weights_are_made_once():
    assert gaussian_weights(7, 1.75) is gaussian_weights(7, 1.75)
    assert gaussian_weights(7, 1.75) is not gaussian_weights(7, 1.5)
