"""The pictures of a face in some neighbouring frames as optical flow compares them: grey, the face
always as large, and every frame cut and scaled alike, however large the recording's picture is."""

from dataclasses import dataclass

import cv2
import numpy as np

from workers.arrays import Floats, Image, Tensor

FACE_SIDE = 224.0
"""px of the view: the longer side of the face's box."""

ROOM = 0.25
"""What is seen around the boxes, as a share of their longest side."""

Grey = Image
"""A view of one frame: (height, width) uint8."""


@dataclass(frozen=True, slots=True)
class FaceView:
    """A part of the frame, px, and by how much it is enlarged."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @classmethod
    def around(cls, boxes: list[Floats], height: int, width: int) -> "FaceView":
        """The view of a face whose boxes (4,) are known in some of the frames (height, width)."""
        side = max(float(np.max(box[2:] - box[:2])) for box in boxes)
        low = np.floor(np.min([box[:2] for box in boxes], axis=0) - ROOM * side).astype(int)
        high = np.ceil(np.max([box[2:] for box in boxes], axis=0) + ROOM * side).astype(int)
        left, top = np.clip(low, 0, (width - 1, height - 1)).tolist()
        right, bottom = np.clip(high, (left + 1, top + 1), (width, height)).tolist()
        return cls(left, top, right, bottom, FACE_SIDE / side)

    def of(self, picture: Image) -> Grey:
        """The view of a BGR picture."""
        part = picture[self.top : self.bottom, self.left : self.right]
        grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
        height, width = (max(1, round(length * self.scale)) for length in grey.shape)
        way = cv2.INTER_AREA if self.scale < 1.0 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(grey, (width, height), interpolation=way), dtype=np.uint8)

    def seen(self, points: Floats) -> Tensor:
        """Points (P, 2), px of the frame, in px of the view, float32."""
        corner = np.array([self.left, self.top])
        return np.asarray((points - corner + 0.5) * self.scale - 0.5, dtype=np.float32)

    def in_frame(self, points: Floats) -> Floats:
        """The inverse of `seen`, float64."""
        corner = np.array([self.left, self.top])
        return np.asarray((points + 0.5) / self.scale - 0.5 + corner, dtype=np.float64)
