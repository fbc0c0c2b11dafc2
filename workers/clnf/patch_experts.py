"""CCNF patch experts: what says how much a place looks like a landmark.

An expert is a few neurons, each a correlation kernel with a sigmoid, and a matrix Sigma that
smooths the map of their sum: (2 (S I + sum of beta_b Q_b))^-1, where S is the sum of the neurons'
alphas and Q_b say which places of the map are neighbours. There are experts for several views of
the face; a landmark that a view hides has none.

Sigma is the same in every frame, but all of them take 54 MB: those of a view are worked out when it
is first seen, in 0.04 s for the whole face, and kept.
"""

from dataclasses import dataclass

import numpy as np

from weights.clnf.patch_expert_file import PatchExpertArrays
from workers.arrays import Floats, Tensor

LEAST_ALPHA = 1e-4
"""A neuron with a smaller one is left out of the sum, though not of S."""

NEURONS_TOGETHER = 8
"""Kernels are padded to a multiple of this, which matrix products are quickest with."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewExperts:
    """The experts of one view for maps of window x window; N landmarks, K neurons of size S.

    kernels: (N, K, S*S), normalised, times -gain, each kernel column by column; biases: (N, K, 1),
    negated; alphas: (N, 1, K), doubled; sigma: (N, window², window²), symmetric; confidences: (N,).
    What is hidden is 0.
    """

    window: int
    kernels: Tensor
    biases: Tensor
    alphas: Tensor
    sigma: Tensor
    confidences: Floats


class PatchExperts:
    """The experts of one scale."""

    def __init__(self, arrays: PatchExpertArrays) -> None:
        self.scaling = arrays.scaling
        self._arrays = arrays
        self._prepared: dict[tuple[int, int], ViewExperts] = {}

    @property
    def size(self) -> int:
        """Width and height of the kernels, px."""
        return int(np.sqrt(self._arrays.kernels.shape[-1]))

    def nearest_view(self, angles: Floats) -> int:
        """The view whose centre is nearest to some angles (3,), radians; of equals the first."""
        return int(np.argmin(((self._arrays.centres - angles) ** 2).sum(axis=1)))

    def of_view(self, view: int, window: int) -> ViewExperts:
        """The experts of one view, for maps of window x window. Raises KeyError where none fit."""
        if (view, window) not in self._prepared:
            self._prepared[view, window] = self._prepare(view, window)
        return self._prepared[view, window]

    def _prepare(self, view: int, window: int) -> ViewExperts:
        known = self._arrays
        gains, biases, alphas = known.gains[view], known.biases[view], known.alphas[view]
        padding = ((0, 0), (0, -alphas.shape[1] % NEURONS_TOGETHER))
        landmarks, _, pixels = known.kernels[view].shape
        kernels = known.kernels[view].reshape(landmarks, -1, self.size, self.size).swapaxes(2, 3)
        kernels = -gains[..., None] * kernels.reshape(landmarks, -1, pixels)
        used = np.where(alphas > LEAST_ALPHA, alphas, 0.0)
        return ViewExperts(
            window=window,
            kernels=np.pad(kernels, (*padding, (0, 0))).astype(np.float32),
            biases=np.pad(-biases, padding)[:, :, None].astype(np.float32),
            alphas=np.pad(2.0 * used, padding)[:, None].astype(np.float32),
            sigma=self._sigma(view, window),
            confidences=known.confidences[view],
        )

    def _sigma(self, view: int, window: int) -> Tensor:
        known, seen = self._arrays, self._arrays.visible[view]
        places = window * window
        made = np.zeros((len(seen), places, places), dtype=np.float32)
        precision = known.alphas[view, seen].sum(axis=1)[:, None, None] * np.eye(places)
        if known.betas.shape[-1]:
            neighbourhoods = known.neighbourhoods[window].astype(np.float64)
            precision += np.tensordot(known.betas[view, seen], neighbourhoods, axes=1)
        made[seen] = np.linalg.inv(2.0 * precision)
        return made
