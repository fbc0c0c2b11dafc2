"""Face boxes: (x1, y1, x2, y2) in px of the frame, float64, not clipped to it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Faces found in one frame, best score first.

    boxes: (N, 4) float64; scores: (N,) float64 in [0, 1].
    """

    boxes: Floats
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)


def overlaps(box: Floats, boxes: Floats, pixel: float = 0.0) -> Floats:
    """Intersection over union of one box (4,) with each of boxes (N, 4).

    `pixel` is added to every width and height: 1 counts pixels as upstream's NMS does.
    """
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low + pixel, 0.0), axis=1)
    area = np.prod(box[2:] - box[:2] + pixel)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2] + pixel, axis=1)
    return np.asarray(shared / (area + areas - shared), dtype=np.float64)


def suppress(boxes: Floats, scores: Floats, overlap: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: indices of the kept boxes, best score first.

    Areas follow the +1 pixel rule of Pytorch_Retinaface's py_cpu_nms.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while waiting.size:
        best, waiting = int(waiting[0]), waiting[1:]
        kept.append(best)
        waiting = waiting[overlaps(boxes[best], boxes[waiting], pixel=1.0) <= overlap]
    return np.asarray(kept, dtype=np.intp)


def most_prominent(found: Detections) -> int:
    """The index of the largest face: the patient sits nearest to the camera."""
    sizes = found.boxes[:, 2:] - found.boxes[:, :2]
    return int(np.argmax(np.prod(sizes, axis=1)))


def apart(box: Floats, other: Floats) -> bool:
    """Whether two boxes (4,) do not overlap at all."""
    return bool((box[:2] >= other[2:]).any() or (other[:2] >= box[2:]).any())


def extent(points: Floats) -> Floats:
    """The tight box (4,) around points (N, 2)."""
    return np.concatenate([points.min(axis=0), points.max(axis=0)])
