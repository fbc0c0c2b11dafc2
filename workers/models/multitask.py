"""The multi-task network's action-unit head: eight occurrence scores of a face.

Input contract: 224×224 **RGB**, x/255, ImageNet mean and deviation, NCHW, two faces (left and
right mirrored) a call. The crop is the face box itself, resized ignoring its aspect ratio,
bilinear **with antialiasing** on floats: without antialiasing the scores change. Box coordinates
are truncated to integers; they are clipped to the frame, where upstream lets them wrap around.
"""

import numpy as np

from workers.arrays import Floats, Image, Tensor
from workers.face.resampling import resize
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
    x1, y1, x2, y2 = clipped(box, frame.shape[1], frame.shape[0])
    face = frame[y1:y2, x1:x2, ::-1].astype(np.float32) / np.float32(255)
    normal = (resize(face, SIZE, SIZE) - MEAN_RGB) / DEVIATION_RGB
    return np.ascontiguousarray(normal.transpose(2, 0, 1))[None]


def clipped(box: Floats, width: int, height: int) -> tuple[int, int, int, int]:
    """The box truncated to integers and clipped to the frame, at least one px wide and high."""
    x1, y1, x2, y2 = (int(v) for v in box)
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, min(max(x2, x1 + 1), width), min(max(y2, y1 + 1), height)
