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
    left = _weight_of_left_half(line, height, width)
    right = 1.0 - left
    return {
        "left": _blend(frame, reflected, left, right),
        "right": _blend(frame, reflected, right, left),
    }


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


def _weight_of_left_half(line: Midline, height: int, width: int) -> NDArray[np.float32]:
    normal = line.towards_patient_left / BLEND
    offset = 0.5 - float(line.point @ normal)
    x = np.arange(width, dtype=np.float32) * np.float32(normal[0])
    y = np.arange(height, dtype=np.float32) * np.float32(normal[1]) + np.float32(offset)
    return np.clip(x[None, :] + y[:, None], 0.0, 1.0)


def _blend(
    frame: Image, reflected: Image, own: NDArray[np.float32], other: NDArray[np.float32]
) -> Image:
    return np.asarray(cv2.blendLinear(frame, reflected, own, other), dtype=np.uint8)
