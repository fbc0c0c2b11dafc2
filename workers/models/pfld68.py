"""PFLD: 68 iBUG landmarks, small and quick.

Input contract: a 112×112 **RGB** crop, x/255, NCHW: the face box made square around its centre
with 1.1 times its longer side, black border. Output: x, y in units of the crop's side, counted from
the crop's edge, half a pixel before the centre of its first one.

By itself PFLD puts every face some 2 % of its width too far to the image's right, also a symmetric
one: a midline found so is off by as much. So it looks at the crop and at its mirror image in one
call, and the answer is the mean of both, which treats left and right alike.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats, Image, Tensor
from workers.face.landmarker import Landmarks
from workers.face.scheme import IBUG68
from workers.models.runner import Runner

SIZE = 112
MARGIN = 1.1
HALF_PIXEL = 0.5
PICTURES = 2
"""The crop and its mirror image."""


def _counterparts() -> NDArray[np.intp]:
    right, left = np.array(IBUG68.pairs).T
    counterpart = np.arange(IBUG68.count)
    counterpart[right], counterpart[left] = left, right
    return counterpart


COUNTERPART = _counterparts()
"""(68,): each point's index in a mirror image."""


class Pfld68:
    """Landmarks of one face at a time."""

    scheme = IBUG68

    def __init__(self, runner: Runner) -> None:
        """runner: takes PICTURES pictures a call."""
        self._runner = runner

    def locate(self, frame: Image, box: Floats) -> Landmarks:
        """See `Landmarker.locate`; the model gives no confidence."""
        (answer,) = self._runner.run(["output"], input=as_input(crop(frame, box)))
        corner, side = square(box)
        return Landmarks(agreed(answer) * side + corner, None)


def square(box: Floats) -> tuple[Floats, float]:
    """Upper left corner (2,) and side, px, of the square crop around a face box (4,)."""
    side = float(np.max(box[2:] - box[:2])) * MARGIN
    return (box[:2] + box[2:]) / 2.0 - side / 2.0, side


def crop(frame: Image, box: Floats) -> Image:
    """The (112, 112, 3) BGR crop of a face box (4,)."""
    corner, side = square(box)
    zoom = SIZE / side
    to_crop = np.column_stack([zoom * np.eye(2), -zoom * corner - HALF_PIXEL])
    return np.asarray(
        cv2.warpAffine(frame, to_crop, (SIZE, SIZE), flags=cv2.INTER_LINEAR), dtype=np.uint8
    )


def as_input(picture: Image) -> Tensor:
    """The network's input (2, 3, 112, 112) of a crop (112, 112, 3): it and its mirror image."""
    rgb = (picture[:, :, ::-1].astype(np.float32) / np.float32(255)).transpose(2, 0, 1)
    return np.stack([rgb, rgb[:, :, ::-1]])


def agreed(answer: Tensor) -> Floats:
    """The points (68, 2), in units of the crop's side, of what the network answers (2, 136)."""
    straight, mirrored = answer.reshape(PICTURES, -1, 2).astype(np.float64)
    mirrored[:, 0] = 1.0 - mirrored[:, 0]
    return np.asarray((straight + mirrored[COUNTERPART]) / 2.0, dtype=np.float64)
