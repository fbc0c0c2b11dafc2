"""Areas around landmarks hold what the picture has there, and its border beyond."""

import numpy as np
import pytest

from workers.clnf.sampling import areas_around

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (50, 70), dtype=np.uint8)


def level(picture, x, y):
    """Bilinear, the border repeated: the definition."""
    height, width = picture.shape
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = min(int(x), width - 2), min(int(y), height - 2)
    (a, b), (c, d) = picture[top : top + 2, left : left + 2].astype(float)
    right, down = x - left, y - top
    return (a * (1 - right) + b * right) * (1 - down) + (c * (1 - right) + d * right) * down


def expected(picture, point, per_step, width):
    (a, b), half = per_step, (width - 1) / 2
    return [
        [
            level(picture, a * u - b * v + point[0], b * u + a * v + point[1])
            for u in np.arange(width) - half
        ]
        for v in np.arange(width) - half
    ]


@pytest.mark.parametrize("per_step", [(1.0, 0.0), (0.7, 0.4), (2.5, -1.0)])
@pytest.mark.parametrize("width", [6, 13])
def test_an_area_is_turned_and_scaled_around_its_point(per_step, width):
    points = np.array([[30.25, 20.5, 41.0], [24.0, 30.125, 19.75]])
    areas = areas_around(PICTURE, points, per_step, width)
    assert areas.shape == (3, width, width)
    assert areas.dtype == np.float32
    for area, point in zip(areas, points.T, strict=True):
        np.testing.assert_allclose(area, expected(PICTURE, point, per_step, width), atol=2e-3)


@pytest.mark.parametrize(
    "point",
    [(-3.5, 20.0), (69.0, 49.0), (0.0, 0.0), (75.2, -8.0), (35.0, 60.0), (1e9, -1e9), (2e9, 1e9)],
)
def test_outside_the_picture_its_border_repeats(point):
    (area,) = areas_around(PICTURE, np.array(point)[:, None], (1.1, 0.3), 15)
    np.testing.assert_allclose(area, expected(PICTURE, point, (1.1, 0.3), 15), atol=2e-3)


def test_places_on_pixels_are_those_pixels_exactly():
    (area,) = areas_around(PICTURE, np.array([[20.0], [10.0]]), (1.0, 0.0), 5)
    np.testing.assert_array_equal(area, PICTURE[8:13, 18:23])
    (corner,) = areas_around(PICTURE, np.array([[69.0], [49.0]]), (1.0, 0.0), 3)
    np.testing.assert_array_equal(corner[:2, :2], PICTURE[48:, 68:])
    assert (corner[2] == corner[1]).all()


def test_moving_the_picture_by_whole_pixels_changes_nothing():
    moved = np.roll(PICTURE, (7, 16), axis=(0, 1))
    points = np.array([[30.25, 20.5], [24.0, 28.125]])
    here = areas_around(PICTURE, points, (0.7, 0.4), 9)
    there = areas_around(moved, points + np.array([[16], [7]]), (0.7, 0.4), 9)
    np.testing.assert_array_equal(here, there)


def test_the_smallest_picture_and_the_largest_steps_are_sampled():
    tiny = np.array([[10, 20], [30, 40]], dtype=np.uint8)
    (area,) = areas_around(tiny, np.array([[0.5], [0.5]]), (0.5, 0.0), 3)
    np.testing.assert_allclose(area, [[10, 15, 20], [20, 25, 30], [30, 35, 40]])
    (wide,) = areas_around(tiny, np.array([[0.5], [0.5]]), (1e9, 0.0), 3)
    np.testing.assert_allclose(wide, [[10, 15, 20], [20, 25, 30], [30, 35, 40]])
    (far,) = areas_around(tiny, np.array([[5e9], [5e9]]), (1e9, 0.0), 3)
    assert (far == 40).all()
