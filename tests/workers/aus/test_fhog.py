"""FHOG, against a plain pixel-by-pixel version of the same rules."""

import numpy as np
import pytest

from workers.aus.openface2.fhog import LENGTH, UNITS, fhog

SIZE, CELL, CELLS = 112, 8, 14


def plain(picture):
    """The features, one pixel and one cell after the other."""
    levels = picture.astype(int)
    histogram = np.zeros((CELLS, CELLS, 18))
    for y in range(1, SIZE - 1):
        for x in range(1, SIZE - 1):
            add_gradient(histogram, levels, x, y)
    energy = ((histogram[..., :9] + histogram[..., 9:]) ** 2).sum(-1)
    made = [
        described(histogram[r, c], energy, r, c)
        for r in range(1, CELLS - 1)
        for c in range(1, CELLS - 1)
    ]
    return np.concatenate(made)


def add_gradient(histogram, levels, x, y):
    across = levels[y, x + 1] - levels[y, x - 1]
    down = levels[y + 1, x] - levels[y - 1, x]
    best = None
    for colour in (0, 1, 2) if x <= 108 else (2, 1, 0):
        strength = across[colour] ** 2 + down[colour] ** 2
        if best is None or strength > best[0]:
            best = (strength, across[colour], down[colour])
    strength, gx, gy = best
    chosen, largest = 0, np.float32(0)
    for o, unit in enumerate(UNITS):
        dot = unit[0] * np.float32(gx) + unit[1] * np.float32(gy)
        for candidate, value in ((o, dot), (o + 9, -dot)):
            if value > largest:
                chosen, largest = candidate, value
    place_y, place_x = (y + 0.5) / CELL - 0.5, (x + 0.5) / CELL - 0.5
    low_y, low_x = int(np.floor(place_y)), int(np.floor(place_x))
    for row, weight_y in ((low_y, 1 - (place_y - low_y)), (low_y + 1, place_y - low_y)):
        for column, weight_x in ((low_x, 1 - (place_x - low_x)), (low_x + 1, place_x - low_x)):
            if 0 <= row < CELLS and 0 <= column < CELLS:
                histogram[row, column, chosen] += weight_y * weight_x * np.sqrt(strength)


def described(signed, energy, r, c):
    unsigned = signed[:9] + signed[9:]
    limits = [
        0.2 * np.sqrt(energy[r + i : r + i + 2, c + j : c + j + 2].sum() + 1e-4)
        for i, j in ((0, 0), (-1, 0), (0, -1), (-1, -1))
    ]
    shares = [np.minimum(signed, limit) * 0.1 / limit for limit in limits]
    both = [np.minimum(unsigned, limit) * 0.1 / limit for limit in limits]
    return np.concatenate([sum(shares), sum(both), [0.4714 * share.sum() for share in shares]])


@pytest.mark.parametrize("levels", [3, 256])
def test_it_equals_the_plain_version(levels):
    """With three levels most pixels have ties between colours."""
    picture = np.random.default_rng(levels).integers(0, levels, (SIZE, SIZE, 3), dtype=np.uint8)
    found = fhog(picture)
    assert found.shape == (LENGTH,) == (4464,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain(picture), atol=1e-6)


def test_a_picture_without_edges_has_no_gradients():
    assert not fhog(np.full((SIZE, SIZE, 3), 77, np.uint8)).any()
