"""Bilinear resizing of a part of a picture with antialiasing, as torch does it.

`torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False)`, which is
what torchvision's Resize does to a tensor, widens the triangle filter by the shrinking factor.
OpenCV has no such filter, and without it the AU scores change.

The part need not begin and end between pixels: one that is cut by an edge counts by its share. So
the result follows the box without jumps, and a last digit of the box changes last digits only.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats, Tensor


def resize(planes: Tensor, box: Floats, height: int, width: int) -> Tensor:
    """A part of a picture in planes (C, H, W), float32, resized to (C, height, width).

    box: (4,) x1, y1, x2, y2 in px from the picture's upper left corner (not from a pixel's centre),
    within the picture. With whole numbers it is torch's answer for planes[:, y1:y2, x1:x2].
    """
    x1, y1, x2, y2 = (float(edge) for edge in box)
    down, across = _triangle_filter(y1, y2, height), _triangle_filter(x1, x2, width)
    resized = np.empty((len(planes), height, width), dtype=np.float32)
    for plane, result in zip(planes, resized, strict=True):
        rows = np.asarray(cv2.transpose(_resample_rows(plane, *down)), dtype=np.float32)
        cv2.transpose(_resample_rows(rows, *across), dst=result)
    return resized


def _resample_rows(plane: Tensor, taps: NDArray[np.intp], weights: Tensor) -> Tensor:
    """Rows that are weighted sums of a plane's (H, W), in arrays that stay in the cache."""
    result = np.zeros((len(taps), plane.shape[1]), dtype=np.float32)
    tapped = np.empty_like(result)
    for tap, weight in zip(taps.T, weights.T, strict=True):
        # Clipped, since what lies beyond has weight 0.
        np.take(plane, tap, axis=0, out=tapped, mode="clip")
        tapped *= weight[:, None]
        result += tapped
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
