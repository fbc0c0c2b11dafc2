"""Sampling small turned squares of a picture: the areas around landmarks in a reference frame."""

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats, Tensor

Grey = NDArray[np.uint8]
"""(H, W), brightness; at least 2x2 px."""

FAR = np.float32(2**20)
"""px: farther from its centre no square reaches. float32 still tells neighbouring pixels apart."""


def areas_around(grey: Grey, points: Floats, per_step: tuple[float, float], width: int) -> Tensor:
    """Squares of a picture around points (2, N), px: (N, width, width) grey levels.

    per_step: (a, b); a step along a row of the square is (a, b) px of the picture, one along a
    column (-b, a). Bilinear; outside the picture its border repeats. Points and steps are rounded
    to float32, after OpenCV's cvGetQuadrangleSubPix.
    """
    a, b = np.float32(per_step[0]), np.float32(per_step[1])
    steps = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    height, stride = grey.shape
    x, x_share = _split(a * steps[None, :] - b * steps[:, None], points[0], stride)
    y, y_share = _split(b * steps[None, :] + a * steps[:, None], points[1], height)
    index = (y * np.int32(stride) + x).astype(np.intp)
    pixels = grey.reshape(-1)
    upper = _between(pixels.take(index), pixels[1:].take(index), x_share)
    below = pixels[stride:]
    lower = _between(below.take(index), below[1:].take(index), x_share)
    return _between(upper, lower, y_share)


def _split(offsets: Tensor, points: Floats, size: int) -> tuple[NDArray[np.int32], Tensor]:
    """Along one axis, the pixel before each place and how far the place is towards the next.

    offsets: (w, w) of a square's places from its centre; points: (N,) the centres; size: of the
    picture. Places beyond the border are on it. Gives (N, w, w) twice.
    """
    offsets = np.clip(offsets, -FAR, FAR)
    reach = float(np.abs(offsets).max()) + 1.0  # a centre farther outside sees border only
    centres = np.clip(points, -reach, size + reach).astype(np.float32)
    whole = np.floor(centres)
    # Relative to the centre's own pixel, float32 is fine enough wherever the centre is.
    places = offsets + (centres - whole)[:, None, None]
    np.clip(places, -whole[:, None, None], (size - 1 - whole)[:, None, None], out=places)
    before = np.minimum(np.floor(places), (size - 2 - whole)[:, None, None])
    places -= before
    return before.astype(np.int32) + whole.astype(np.int32)[:, None, None], places


def _between(first: NDArray[np.generic], second: NDArray[np.generic], share: Tensor) -> Tensor:
    """first where share is 0, second where it is 1."""
    start = first.astype(np.float32)
    mixed = second.astype(np.float32)
    mixed -= start
    mixed *= share
    mixed += start
    return mixed
