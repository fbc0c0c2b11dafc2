"""The multi-task network's action-unit head: eight occurrence scores of a face.

Input contract: 224×224 **RGB**, x/255, ImageNet mean and deviation, NCHW, two faces (left and
right mirrored) a call. The crop is the face box itself, resized ignoring its aspect ratio,
bilinear **with antialiasing** on floats: without antialiasing the scores change. Boxes are clipped
to the frame, where upstream lets them wrap around, and not truncated to whole px, as upstream does
with the detector's: they follow from landmarks here, and a last digit of these must not move the
crop by a pixel.
"""

import cv2
import numpy as np

from workers.arrays import Floats, Image, Tensor
from workers.face.crops.resampling import resize
from workers.models.runner import Runner

SIZE = 224
MEAN_RGB = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION_RGB = np.array([0.229, 0.224, 0.225], dtype=np.float32)


class ActionUnitScores:
    """Scores of a pair of faces."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def score(self, faces: list[tuple[Image, Floats]]) -> Tensor:
        """Scores (2, 8) in [0, 1] of two (frame, face box (4,) px) pairs, in head order."""
        tensor = np.concatenate([as_input(frame, box) for frame, box in faces])
        (scores,) = self._runner.run(["aus"], faces=tensor)
        return scores


def as_input(frame: Image, box: Floats) -> Tensor:
    """The network's input (1, 3, 224, 224) for the face in a box (4,), px of the frame."""
    inside = clipped(box, frame.shape[1], frame.shape[0])
    left, top = np.floor(inside[:2]).astype(int)
    right, bottom = np.ceil(inside[2:]).astype(int)
    bgr = cv2.split(frame[top:bottom, left:right])
    face = np.stack(bgr[::-1]).astype(np.float32) / np.float32(255)
    seen = resize(face, inside - [left, top, left, top], SIZE, SIZE)
    return ((seen - MEAN_RGB[:, None, None]) / DEVIATION_RGB[:, None, None])[None]


def clipped(box: Floats, width: int, height: int) -> Floats:
    """The box (4,) clipped to the frame, at least one px wide and high."""
    size = np.array([width, height], dtype=np.float64)
    low = np.clip(box[:2], 0.0, size - 1.0)
    return np.concatenate([low, np.clip(box[2:], low + 1.0, size)])
