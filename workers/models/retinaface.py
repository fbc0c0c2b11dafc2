"""RetinaFace (MobileNet-0.25): faces in a picture.

Input contract: BGR float32 minus (104, 117, 123), NCHW, of the one size that the model file was
exported with. A picture is shrunk (never enlarged) to fit and laid into the upper left corner of a
black-as-subtracted canvas; boxes are mapped back. A picture that fits is not resampled, so a
640×480 frame gives upstream's own numbers. RGB instead of BGR costs most of the scores.

Source of the formulas: Pytorch_Retinaface (prior boxes, decode, variances, NMS).
"""

from functools import lru_cache

import cv2
import numpy as np

from workers.arrays import Floats, Image, Tensor
from workers.face.boxes import Detections, suppress
from workers.models.runner import Runner

MEAN_BGR = np.array([104.0, 117.0, 123.0], dtype=np.float32)
ANCHOR_SIZES = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2
NMS_OVERLAP = 0.4
FACE_SCORE = 0.5
"""From this score on upstream takes a detection for a face."""


class RetinaFace:
    """Finds faces in pictures of any size."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._height, self._width = runner.input_shapes["image"][2:]
        self.side = min(self._height, self._width)

    def detect(self, picture: Image, minimum_score: float = FACE_SCORE) -> Detections:
        """Faces of at least the given score; boxes in px of the picture."""
        tensor, scale = letterboxed(picture, self._height, self._width)
        offsets, scores = self._runner.run(["offsets", "scores"], image=tensor)
        found = decode(offsets[0], scores[0], self._height, self._width, minimum_score)
        return Detections(boxes=found.boxes / scale, scores=found.scores)


def letterboxed(picture: Image, height: int, width: int) -> tuple[Tensor, float]:
    """The network's input (1, 3, height, width) and the scale that the picture was shrunk by."""
    scale = min(height / picture.shape[0], width / picture.shape[1], 1.0)
    if scale < 1.0:
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    canvas = np.zeros((1, 3, height, width), dtype=np.float32)
    covered = canvas[0, :, : picture.shape[0], : picture.shape[1]]
    for channel, seen, mean in zip(covered, cv2.split(picture), MEAN_BGR, strict=True):
        np.subtract(seen, mean, out=channel)
    return canvas, scale


@lru_cache(maxsize=4)
def anchors(height: int, width: int) -> Floats:
    """Anchor boxes (A, 4) as centre x, centre y, width, height in px of the network's input.

    Maps from stride 8 to 32, rows, columns, then the two sizes of the cell.
    """
    rows = []
    for stride, sizes in ANCHOR_SIZES.items():
        cells_y, cells_x = -(-height // stride), -(-width // stride)
        y, x, size = np.meshgrid(np.arange(cells_y), np.arange(cells_x), sizes, indexing="ij")
        centres = [(x + 0.5) * stride, (y + 0.5) * stride, size, size]
        rows.append(np.stack(centres, axis=-1).reshape(-1, 4))
    return np.concatenate(rows).astype(np.float64)


def boxes_at(prior: Floats, offset: Floats) -> Floats:
    """Boxes (A, 4), px of the network's input, of anchors (A, 4) and their regressions (A, 4)."""
    centre = prior[:, :2] + offset[:, :2] * CENTRE_VARIANCE * prior[:, 2:]
    half = 0.5 * prior[:, 2:] * np.exp(offset[:, 2:] * SIZE_VARIANCE)
    return np.concatenate([centre - half, centre + half], axis=1)


def decode(
    offsets: Tensor, scores: Tensor, height: int, width: int, minimum_score: float
) -> Detections:
    """Boxes from the network's output for an input of height × width px.

    offsets: (A, 4) box regressions; scores: (A,) face probabilities. Non-maximum suppression at
    NMS_OVERLAP; best score first; boxes in px of the input, not clipped to it.
    """
    likely = scores >= minimum_score
    boxes = boxes_at(anchors(height, width)[likely], offsets[likely].astype(np.float64))
    probability = scores[likely].astype(np.float64)
    kept = suppress(boxes, probability, NMS_OVERLAP)
    return Detections(boxes=boxes[kept], scores=probability[kept])
