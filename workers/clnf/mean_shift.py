"""Mean shift: where, from a place on a response map, the likely place of the landmark lies.

After OpenFace 2, the Gaussian's centre is rounded to a tenth of a map's step, in float32; the place
itself is not.
"""

from functools import cache

import numpy as np

from workers.arrays import Floats, Tensor

GRID = 10
"""Centres of the Gaussian to a step of the map."""


class GaussianWeights:
    """Along one axis of a map of window places, a Gaussian around each centre of the grid."""

    def __init__(self, window: int, sigma: float) -> None:
        """sigma: standard deviation, steps of the map."""
        self.window = window
        places = np.arange(window)
        centres = np.float32(1 / GRID) * np.arange(GRID * window, dtype=np.float32)
        weights = np.exp(-0.5 * (places - centres[:, None].astype(np.float64)) ** 2 / sigma**2)
        self._moments = np.stack([weights, places * weights], axis=-1)

    def moments(self, places: Tensor) -> Floats:
        """The weights around places (...) of the map, and those times their index: (..., W, 2)."""
        index = (places / np.float32(1 / GRID) + np.float32(0.5)).astype(np.intp)
        return np.asarray(self._moments.take(index, axis=0), dtype=np.float64)


@cache
def gaussian_weights(window: int, sigma: float) -> GaussianWeights:
    """The weights for maps of window places, made once."""
    return GaussianWeights(window, sigma)


def mean_shifts(maps: Floats, places: Tensor, gaussian: GaussianWeights) -> Floats:
    """From places (2, N), x and y on maps (N, W, W), to the weighted means: (2, N), steps.

    Places outside are brought to the map's border first. Every map must have something above 0.
    """
    edge = np.float32(gaussian.window - 1 / GRID)
    inside = np.minimum(np.maximum(places, np.float32(0.0)), edge)
    in_x, in_y = gaussian.moments(inside)
    # Of each map: the sum of the weighted responses, and those times x, y, and both.
    sums = (in_y.swapaxes(1, 2) @ (maps @ in_x)).reshape(-1, 4)
    return np.asarray(sums[:, 1:3].T / sums[:, 0] - inside, dtype=np.float64)
