"""STAR: 98 WFLW landmarks by stacked hourglasses.

Input contract: a 256×256 **BGR** crop, x/255·2−1, NCHW. The crop is a similarity of the frame that
puts the box's centre at (127.5, 127.5) and zooms by 256 / (scale·200), scale = min(w, h)/200·1.05,
bilinear with a black border. Boxes come in whole px: upstream truncates the detector's, and so does
`tracking`. The points come back by `((p + 1)·256 − 1)/2`, not by the inverse of the crop's own
convention: upstream's, kept because the network's published accuracy includes it. RGB or another
crop rule moves every point.
"""

from collections.abc import Mapping

import cv2
import numpy as np

from workers.arrays import Floats, Image, Tensor
from workers.face.landmarker import Landmarks
from workers.face.scheme import WFLW98
from workers.models.runner import Runner

SIZE = 256
CENTRE = (SIZE - 1) / 2
MARGIN = 1.05


class Star98:
    """Landmarks of one face at a time."""

    scheme = WFLW98

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def locate(self, frame: Image, box: Floats) -> Landmarks:
        """See `Landmarker.locate`."""
        to_crop = crop_matrix(box)
        tensor = as_input(crop(frame, to_crop))
        points, confidence = self._runner.run(["points", "confidence"], image=tensor)
        return Landmarks(to_frame(points[0], to_crop), float(confidence[0]))


class StarBatch:
    """Landmarks of several faces at once, each in its slot of the network's input."""

    def __init__(self, runner: Runner) -> None:
        """runner: takes as many crops a call as there are slots."""
        self._runner = runner
        self.slots = runner.input_shapes["image"][0]

    def locate(self, wanted: Mapping[int, tuple[Image, Floats]]) -> dict[int, Landmarks]:
        """The landmarks of the face in each frame's box, by slot; see `Landmarker.locate`.

        An empty slot sees black, so what is found in one depends on no other.
        """
        tensor = np.full((self.slots, 3, SIZE, SIZE), -1.0, dtype=np.float32)
        to_crop = {slot: crop_matrix(box) for slot, (_, box) in wanted.items()}
        for slot, (frame, _) in wanted.items():
            tensor[slot] = as_input(crop(frame, to_crop[slot]))[0]
        points, confidence = self._runner.run(["points", "confidence"], image=tensor)
        return {
            slot: Landmarks(to_frame(points[slot], matrix), float(confidence[slot]))
            for slot, matrix in to_crop.items()
        }


def crop_matrix(box: Floats) -> Tensor:
    """The (3, 3) float32 map from frame px to crop px for a face box (4,)."""
    x1, y1, x2, y2 = box
    zoom = SIZE / (min(x2 - x1, y2 - y1) * MARGIN)
    centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
    return np.array(
        [
            [zoom, 0.0, CENTRE - zoom * centre_x],
            [0.0, zoom, CENTRE - zoom * centre_y],
            [0.0, 0.0, 1.0],
        ],
        dtype=np.float32,
    )


def crop(frame: Image, to_crop: Tensor) -> Image:
    """The (256, 256, 3) BGR crop."""
    return np.asarray(
        cv2.warpPerspective(frame, to_crop, (SIZE, SIZE), flags=cv2.INTER_LINEAR), dtype=np.uint8
    )


def as_input(picture: Image) -> Tensor:
    """The network's input (1, 3, 256, 256) of a crop."""
    scaled = picture.astype(np.float32) / np.float32(255) * np.float32(2) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))[None]


def to_frame(points: Tensor, to_crop: Tensor) -> Floats:
    """Points (98, 2) in [−1, 1] to px of the frame."""
    in_crop = ((points.astype(np.float64) + 1.0) * SIZE - 1.0) / 2.0
    back = np.linalg.inv(to_crop.astype(np.float64))
    return np.asarray(in_crop @ back[:2, :2].T + back[:2, 2], dtype=np.float64)
