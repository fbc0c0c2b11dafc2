"""The judge of a fit: a small network that looks at the face behind the landmarks.

The face is warped, triangle by triangle, onto a small picture in which each landmark has its place;
what the network says of it is a certainty from -1 (a face, well fitted) to 1 (wrong).
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from weights.clnf.validator_file import ValidatorView
from workers.arrays import Floats, Tensor
from workers.clnf.sampling import Grey

WRONG = 1.0


class Validator:
    """Says how sure it is of landmarks."""

    def __init__(self, views: Sequence[ValidatorView]) -> None:
        self.views = views

    def certainty(self, grey: Grey, points: Floats, angles: Floats) -> float:
        """From -1 (sure of a face) to 1 (wrong), of landmarks (N, 2) px and head angles (3,)."""
        view = self.views[self.nearest_view(angles)]
        features = normalised(view, warped(view, grey, points))
        picture = np.zeros(tuple(view.shape), dtype=np.float32)
        picture.reshape(-1)[view.places] = features
        maps = halved(convolved(picture[None], view.kernels1, view.biases1))
        maps = halved(convolved(maps, view.kernels2, view.biases2))
        (answer,) = sigmoid(np.vdot(maps, view.weights) + view.bias)
        return 2.0 * (float(answer) - 0.5)

    def nearest_view(self, angles: Floats) -> int:
        """The view whose centre is nearest to some angles (3,); of equals the first."""
        return int(np.argmin([np.linalg.norm(view.centre - angles) for view in self.views]))


def warped(view: ValidatorView, grey: Grey, points: Floats) -> Floats:
    """Grey levels (n,) of the mask's pixels; 0 outside the picture.

    By cv2.remap, whose places are rounded to 1/32 px.
    """
    size = np.array(grey.shape[::-1])
    places = (points[view.corners] * view.shares[..., None]).sum(axis=1).astype(np.float32)
    low = np.clip(np.floor(places.min(axis=0)) - 1, 0, size - 1).astype(int)
    high = np.clip(np.floor(places.max(axis=0)) + 3, 1, size).astype(int)
    part = grey[low[1] : high[1], low[0] : high[0]]
    x, y = np.ascontiguousarray((places - low.astype(np.float32)).T)[:, None]
    sampled = cv2.remap(part.astype(np.float64), x, y, cv2.INTER_LINEAR)
    return np.asarray(sampled.ravel(), dtype=np.float64)


def normalised(view: ValidatorView, levels: Floats) -> Tensor:
    """The pixels (n,) as the network was trained with them."""
    centred = levels - levels.mean()
    spread = float(np.sqrt((centred**2).mean()))
    features = (centred / (spread or 1.0) - view.mean) / view.deviation
    return np.asarray(features, dtype=np.float32)


def convolved(maps: Tensor, kernels: Tensor, biases: Tensor) -> Tensor:
    """sigmoid of the maps (I, H, W) correlated with kernels (O, I, S, S): (O, H - S + 1, ...)."""
    outputs, _, size, _ = kernels.shape
    patches = sliding_window_view(maps, (size, size), axis=(1, 2)).transpose(1, 2, 0, 3, 4)
    height, width = patches.shape[:2]
    sums = kernels.reshape(outputs, -1) @ patches.reshape(height * width, -1).T
    return sigmoid(sums + biases[:, None]).reshape(outputs, height, width)


def sigmoid(values: Tensor) -> Tensor:
    """1 / (1 + exp(-v))."""
    with np.errstate(over="ignore"):  # 1/inf is 0
        return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float32)


def halved(maps: Tensor) -> Tensor:
    """The means of 2x2 blocks; odd last rows and columns are dropped."""
    height, width = maps.shape[1] // 2 * 2, maps.shape[2] // 2 * 2
    even = maps[:, :height, :width]
    blocks = (even[:, ::2, ::2] + even[:, ::2, 1::2]) + (even[:, 1::2, ::2] + even[:, 1::2, 1::2])
    return np.asarray(blocks / np.float32(4.0), dtype=np.float32)
