"""One half of a face, reflected across the midline."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats, Image
from workers.face.midline import Midline
from workers.face.scheme import LandmarkScheme

Side = Literal["left", "right"]
"""The patient's."""

SIDES: tuple[Side, Side] = ("left", "right")
BLEND = 6.0
"""Width of the blend along the midline, px."""
STRIP = 32
"""Rows that are put together at once: the fewer, the fewer px beside the blend of a tilted face are
mixed in vain."""

Weights = NDArray[np.float32]


def kept_sign(side: Side) -> float:
    """The sign of `Midline.distance` on the half that is kept."""
    return 1.0 if side == "left" else -1.0


def mirror(frame: Image, line: Midline) -> dict[Side, Image]:
    """Both mirrored frames, each of the frame's size.

    A pixel of the kept half stays; a pixel of the other half becomes its reflection across the
    line (bilinear; black where the reflection lies outside the frame); within BLEND px around the
    line the two are mixed linearly.
    """
    height, width = frame.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(frame, line.reflection(), (width, height), flags=flags)
    reflected = np.asarray(warped, dtype=np.uint8)
    across, down = _left_half_along(line, height, width)
    mirrored: dict[Side, Image] = {side: np.empty_like(frame) for side in SIDES}
    for top in range(0, height, STRIP):
        rows = slice(top, top + STRIP)
        blended = _blended_columns(across, down[rows])
        left = np.clip(across[None, blended] + down[rows, None], 0.0, 1.0)
        right = 1.0 - left
        for side in SIDES:
            own, other = (left, right) if side == "left" else (right, left)
            made = mirrored[side][rows]
            kept_first = (across[0] > across[-1]) == (side == "left")
            first, last = (frame, reflected) if kept_first else (reflected, frame)
            made[:, : blended.start] = first[rows, : blended.start]
            made[:, blended.stop :] = last[rows, blended.stop :]
            if blended.start < blended.stop:
                seam = rows, blended
                made[:, blended] = cv2.blendLinear(frame[seam], reflected[seam], own, other)
    return mirrored


def mirrored_points(points: Floats, line: Midline, side: Side) -> Floats:
    """The points of the kept half of landmarks (P, 2) and their reflections, px; (2K, 2).

    K is 0 where all points lie on the other half.
    """
    kept = points[line.distance(points) * kept_sign(side) >= 0.0]
    return np.concatenate([kept, line.reflect(kept)])


def mirrored_landmarks(points: Floats, line: Midline, side: Side, scheme: LandmarkScheme) -> Floats:
    """Where the landmarks (P, 2) of a face are in its mirrored frame, px, in the same order.

    A point of the kept half stays, its counterpart is its reflection, and a point of the midline is
    brought onto it. The scheme must know its pairs.
    """
    reflections = line.reflect(points)
    placed = (points + reflections) / 2.0
    right, left = np.array(scheme.pairs).T
    kept, other = (left, right) if side == "left" else (right, left)
    placed[kept], placed[other] = points[kept], reflections[kept]
    return placed


def _left_half_along(line: Midline, height: int, width: int) -> tuple[Weights, Weights]:
    """(width,) and (height,): their sums, held to [0, 1], are the weights of the patient's left
    half."""
    normal = line.towards_patient_left / BLEND
    offset = 0.5 - float(line.point @ normal)
    x = np.arange(width, dtype=np.float32) * np.float32(normal[0])
    y = np.arange(height, dtype=np.float32) * np.float32(normal[1]) + np.float32(offset)
    return x, y


def _blended_columns(across: Weights, down: Weights) -> slice:
    """The columns in which some of these rows have weights between 0 and 1; empty at the end that
    is nearer to the line where none has."""
    between = np.flatnonzero((across + down.max() > 0.0) & (across + down.min() < 1.0))
    if between.size:
        return slice(int(between[0]), int(between[-1]) + 1)
    all_left, first_is_left = across[0] + down[0] >= 1.0, across[0] > across[-1]
    end = len(across) if all_left == first_is_left else 0
    return slice(end, end)
