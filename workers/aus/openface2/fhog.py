"""Felzenszwalb's histograms of oriented gradients (FHOG) of an aligned face: 12×12 cells of 31.

Felzenszwalb et al. 2010, Object Detection with Discriminatively Trained Part-Based Models, in the
details of dlib 18.10's `extract_fhog_features` with cells of 8 px, because OpenFace 2's AU models
were trained on what that gives, colour preference at ties included. The picture is masked first.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Image, Tensor
from workers.face.crops.alignment import SIZE

CELL = 8
CELLS = SIZE // CELL
INNER = CELLS - 2
"""Cells a row and column with neighbours all around, which are described."""

DIRECTIONS = 9
CHANNELS = 31
LENGTH = INNER * INNER * CHANNELS

UNITS = np.array(
    [
        *((1.0, 0.0), (0.9397, 0.3420), (0.7660, 0.6428), (0.5, 0.8660), (0.1736, 0.9848)),
        *((-0.1736, 0.9848), (-0.5, 0.8660), (-0.7660, 0.6428), (-0.9397, 0.3420)),
    ],
    dtype=np.float32,
)
"""dlib's nine directions, with its four decimals."""

CLIP = 0.2
TEXTURE = 0.4714
"""Weight of the four channels that sum over directions: 2 · 0.2357."""

BLUE_GREEN_RED, RED_GREEN_BLUE = (0, 1, 2), (2, 1, 0)
LAST_BY_FOUR = 108
"""dlib takes columns in fours up to here, where ties prefer blue; in the last two, red."""


def fhog(picture: Image) -> Tensor:
    """The features (4464,) float32 of an aligned, masked picture (112, 112, 3) BGR.

    Order: cell rows, cell columns, 31 channels.
    """
    histograms = _histograms(*_strongest_gradients(picture))
    return _normalised(histograms).astype(np.float32).reshape(-1)


def _strongest_gradients(picture: Image) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """x and y differences (110, 110) of the colour that changes most, border pixels left out."""
    levels = picture.astype(np.int16)
    x = levels[1:-1, 2:] - levels[1:-1, :-2]
    y = levels[2:, 1:-1] - levels[:-2, 1:-1]
    strength = x.astype(np.int32) ** 2 + y.astype(np.int32) ** 2
    colour = np.empty(strength.shape[:2], dtype=np.intp)
    for columns, order in (
        (slice(None, LAST_BY_FOUR), BLUE_GREEN_RED),
        (slice(LAST_BY_FOUR, None), RED_GREEN_BLUE),
    ):
        first_best = strength[:, columns][..., order].argmax(axis=-1)
        colour[:, columns] = np.take(order, first_best)
    chosen = colour[..., None]
    return (
        np.take_along_axis(x, chosen, axis=-1)[..., 0],
        np.take_along_axis(y, chosen, axis=-1)[..., 0],
    )


@lru_cache(maxsize=1)
def _bins() -> NDArray[np.int8]:
    """The bin 0..17 of each possible gradient: (511, 511) by x and y difference plus 255."""
    level = np.arange(-255, 256, dtype=np.float32)
    dots = UNITS[:, :1, None] * level[:, None] + UNITS[:, 1:, None] * level
    nearest = np.abs(dots).argmax(axis=0)
    opposite = np.take_along_axis(dots, nearest[None], axis=0)[0] < 0.0
    return np.asarray(nearest + DIRECTIONS * opposite, dtype=np.int8)


@lru_cache(maxsize=1)
def _shares() -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """How each pixel's gradient is split among the cells around it: first bins of four cells, and
    weights, both (4, 110, 110). Cells beyond the border fall into one that nobody reads."""
    place = (np.arange(1, SIZE - 1) + 0.5) / CELL - 0.5
    low = np.floor(place).astype(np.intp)
    part = place - low
    cells, weights = [], []
    for row_step, row_weight in ((0, 1.0 - part), (1, part)):
        for column_step, column_weight in ((0, 1.0 - part), (1, part)):
            row, column = (low + row_step)[:, None], (low + column_step)[None, :]
            within = (row >= 0) & (row < CELLS) & (column >= 0) & (column < CELLS)
            cells.append(np.where(within, row * CELLS + column, CELLS * CELLS))
            weights.append(row_weight[:, None] * column_weight[None, :])
    return np.stack(cells) * 2 * DIRECTIONS, np.stack(weights)


def _histograms(x: NDArray[np.int16], y: NDArray[np.int16]) -> NDArray[np.float64]:
    """Gradient strength by cell and direction: (14, 14, 18)."""
    cells, weights = _shares()
    strength = np.hypot(x, y, dtype=np.float64)
    bins = cells + _bins()[x + 255, y + 255]
    count = (CELLS * CELLS + 1) * 2 * DIRECTIONS
    sums = np.bincount(bins.reshape(-1), (weights * strength).reshape(-1), count)
    inside = sums[: -2 * DIRECTIONS].reshape(CELLS, CELLS, 2 * DIRECTIONS)
    return np.asarray(inside, dtype=np.float64)


def _normalised(histograms: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 31 channels (12, 12, 31) of the inner cells."""
    signed = histograms[1:-1, 1:-1]
    unsigned = signed[..., :DIRECTIONS] + signed[..., DIRECTIONS:]
    energy = (histograms[..., :DIRECTIONS] + histograms[..., DIRECTIONS:]) ** 2
    cells = energy.sum(axis=-1)
    blocks = cells[:-1, :-1] + cells[:-1, 1:] + cells[1:, :-1] + cells[1:, 1:]
    made = np.zeros((INNER, INNER, CHANNELS))
    # The four blocks of 2×2 cells around an inner cell: below right, above right, below left, ...
    for k, (row, column) in enumerate(((1, 1), (0, 1), (1, 0), (0, 0))):
        block = blocks[row : row + INNER, column : column + INNER]
        limit = CLIP * np.sqrt(block + 1e-4)[..., None]
        share = np.minimum(signed, limit) * (0.1 / limit)
        made[..., : 2 * DIRECTIONS] += share
        made[..., 2 * DIRECTIONS : 3 * DIRECTIONS] += np.minimum(unsigned, limit) * (0.1 / limit)
        made[..., 3 * DIRECTIONS + k] = TEXTURE * share.sum(axis=-1)
    return made
