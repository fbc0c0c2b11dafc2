"""Bilinear resizing of a part of a picture with antialiasing, as torch does it.

`torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False)`, which is
what torchvision's Resize does to a tensor, widens the triangle filter by the shrinking factor.
OpenCV has no such filter, and without it the AU scores change.

The part need not begin and end between pixels: one that is cut by an edge counts by its share. So
the result follows the box without jumps, and a last digit of the box changes last digits only.
"""

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats, Tensor


def resize(image: Tensor, box: Floats, height: int, width: int) -> Tensor:
    """A part of a (H, W, C) float32 image, resized to (height, width, C).

    box: (4,) x1, y1, x2, y2 in px from the image's upper left corner (not from a pixel's centre),
    within the image. With whole numbers it is torch's answer for image[y1:y2, x1:x2].
    """
    x1, y1, x2, y2 = (float(edge) for edge in box)
    rows = _resample_rows(image, y1, y2, height)
    columns = _resample_rows(rows.transpose(1, 0, 2), x1, x2, width)
    return np.ascontiguousarray(columns.transpose(1, 0, 2))


def _resample_rows(image: Tensor, start: float, stop: float, size: int) -> Tensor:
    taps, weights = _triangle_filter(start, stop, size)
    inside = np.minimum(taps, image.shape[0] - 1)  # what lies beyond has weight 0
    result = np.zeros((size, *image.shape[1:]), dtype=np.float32)
    for tap, weight in zip(inside.T, weights.T, strict=True):
        result += image[tap] * weight[:, None, None]
    return result


def _triangle_filter(start: float, stop: float, new: int) -> tuple[NDArray[np.intp], Tensor]:
    """Source indices (new, K) and their weights (new, K), each row summing to 1."""
    scale = (stop - start) / new
    support = max(scale, 1.0)
    centre = start + (np.arange(new) + 0.5) * scale
    first = np.maximum(np.floor(centre - support + 0.5), np.floor(start)).astype(np.intp)
    last = np.minimum(np.floor(centre + support + 0.5), np.ceil(stop)).astype(np.intp)
    taps = first[:, None] + np.arange(int((last - first).max()))
    distance = np.abs((taps + 0.5 - centre[:, None]) / support)
    share = np.clip(np.minimum(taps + 1, stop) - np.maximum(taps, start), 0.0, 1.0)
    weights = np.where(taps < last[:, None], np.maximum(1.0 - distance, 0.0) * share, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return taps, weights.astype(np.float32)
