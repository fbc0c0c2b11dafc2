"""PFLD: 68 iBUG landmarks, small and quick.

Input contract: a 112×112 **RGB** crop, x/255, NCHW: the face box made square around its centre
with 1.1 times its longer side, black border. Output: x, y in units of the crop's side.
"""

import cv2
import numpy as np

from workers.arrays import Floats, Image
from workers.face.landmarker import Landmarks
from workers.face.scheme import IBUG68
from workers.models.runner import Runner

SIZE = 112
MARGIN = 1.1


class Pfld68:
    """Landmarks of one face at a time."""

    scheme = IBUG68

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def locate(self, frame: Image, box: Floats) -> Landmarks:
        """See `Landmarker.locate`; the model gives no confidence."""
        corner, side = square(box)
        zoom = SIZE / side
        to_crop = np.array([[zoom, 0.0, -corner[0] * zoom], [0.0, zoom, -corner[1] * zoom]])
        picture = cv2.warpAffine(frame, to_crop, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
        rgb = picture[:, :, ::-1].astype(np.float32) / np.float32(255)
        tensor = np.ascontiguousarray(rgb.transpose(2, 0, 1))[None]
        (flat,) = self._runner.run(["output"], input=tensor)
        return Landmarks(flat.reshape(-1, 2).astype(np.float64) * side + corner, None)


def square(box: Floats) -> tuple[Floats, float]:
    """Upper left corner (2,) and side, px, of the square crop around a face box (4,)."""
    side = float(np.max(box[2:] - box[:2])) * MARGIN
    return (box[:2] + box[2:]) / 2.0 - side / 2.0, side
