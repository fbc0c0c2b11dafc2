"""Bilinear resizing with antialiasing, as torch does it.

`torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False)`, which is
what torchvision's Resize does to a tensor, widens the triangle filter by the shrinking factor.
OpenCV has no such filter, and without it the AU scores change.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Tensor


def resize(image: Tensor, height: int, width: int) -> Tensor:
    """Resize a (H, W, C) float32 image to (height, width, C)."""
    rows = _resample_rows(image, height)
    columns = _resample_rows(rows.transpose(1, 0, 2), width)
    return np.ascontiguousarray(columns.transpose(1, 0, 2))


def _resample_rows(image: Tensor, size: int) -> Tensor:
    taps, weights = _triangle_filter(image.shape[0], size)
    result = np.zeros((size, *image.shape[1:]), dtype=np.float32)
    for tap, weight in zip(taps.T, weights.T, strict=True):
        result += image[tap] * weight[:, None, None]
    return result


@lru_cache(maxsize=256)
def _triangle_filter(old: int, new: int) -> tuple[NDArray[np.intp], Tensor]:
    """Source indices (new, K) and their weights (new, K), each row summing to 1."""
    scale = old / new
    support = max(scale, 1.0)
    centre = (np.arange(new) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.intp), 0)
    last = np.minimum((centre + support + 0.5).astype(np.intp), old)
    taps = first[:, None] + np.arange(int((last - first).max()))
    distance = np.abs((taps + 0.5 - centre[:, None]) / support)
    weights = np.where(taps < last[:, None], np.maximum(1.0 - distance, 0.0), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.minimum(taps, old - 1), weights.astype(np.float32)
