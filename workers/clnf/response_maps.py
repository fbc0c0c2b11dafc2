"""Response maps: how much every place around a landmark looks like it."""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from workers.arrays import Floats, Tensor
from workers.clnf.patch_experts import ViewExperts

FLAT = 1e-6
"""A patch with less energy around its mean (grey levels²) has no pattern to compare."""


def response_maps(experts: ViewExperts, areas: Tensor) -> Tensor:
    """Maps (N, W, W), rows first, none negative, of areas (N, W + S - 1, W + S - 1), grey levels.

    The neurons' sum 2 alpha / (1 + exp(-(gain r + bias))), with r the normalised correlation of
    kernel and patch (the kernel is not turned), smoothed by Sigma. Where the result is negative the
    whole map is raised. Hidden landmarks have maps of 0.
    """
    window = experts.window
    size = areas.shape[-1] - window + 1
    outputs = experts.kernels @ _patches(areas, window, size).swapaxes(1, 2)
    outputs *= _inverse_norms(areas, window, size)
    outputs += experts.biases
    with np.errstate(over="ignore"):  # a neuron that is quite sure of nothing: 1/inf
        np.exp(outputs, out=outputs)
    outputs += 1.0
    np.reciprocal(outputs, out=outputs)
    maps = ((experts.alphas @ outputs) @ experts.sigma).reshape(len(areas), -1)
    maps -= np.minimum(maps.min(axis=1, keepdims=True), 0.0)
    return maps.reshape(-1, window, window)


def _patches(areas: Tensor, window: int, size: int) -> Tensor:
    """All patches of areas: (N, W*W, S*S), places row by row, each patch column by column."""
    # In two steps, so that the second copies whole patches: they overlap as runs of the first.
    columns = np.ascontiguousarray(sliding_window_view(areas, size, axis=1))
    runs = columns.reshape(len(areas), window, -1)
    found = sliding_window_view(runs, size * size, axis=2)[:, :, ::size]
    return found.reshape(len(areas), window * window, size * size)


def _inverse_norms(areas: Tensor, window: int, size: int) -> Tensor:
    """One over the norm of each patch less its mean, 0 for flat ones: (N, 1, W*W)."""
    inside = _runs(window, size)
    doubles = areas.astype(np.float64)
    sums, squares = inside @ (np.stack([doubles, doubles**2]) @ inside.T)
    energy = squares - sums**2 / size**2
    inverse = np.where(energy > FLAT, 1.0 / np.sqrt(np.maximum(energy, FLAT)), 0.0)
    return inverse.reshape(len(areas), 1, -1).astype(np.float32)


@cache
def _runs(window: int, size: int) -> Floats:
    """Adds up `size` neighbours: (W, W + size - 1), a run of ones in each row."""
    length = window + size - 1
    return np.tri(window, length, size - 1) - np.tri(window, length, -1)
