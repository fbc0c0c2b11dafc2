"""A drawing sheet in the face's own frame: shapes in units of the face, smooth edges."""

import cv2
import numpy as np
from numpy.typing import NDArray

from weights.demo.appearance import Colour, Image
from weights.demo.face_shape import Floats

SUBPIXEL_BITS = 5
LEFT, TOP, RIGHT, BOTTOM = -0.56, -0.62, 0.56, 0.54
"""What the sheet covers, in units of the face's height."""


def smooth_line(points: Floats, closed: bool = False, pieces: int = 6) -> Floats:
    """A Catmull-Rom curve through points (N, 2); (M, 2) with each given point among them."""
    if closed:
        padded = np.concatenate([points[-1:], points, points[:2]])
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
    a, b, c, d = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    t = (np.arange(pieces) / pieces)[None, :, None]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    flat = curve.reshape(-1, 2)
    return flat if closed else np.concatenate([flat, points[-1:]])


class Canvas:
    """Colours, coverage and shade of the face; `scale` px a unit."""

    def __init__(self, scale: float, colour: Colour) -> None:
        self.scale = scale
        self.size = (round((RIGHT - LEFT) * scale), round((BOTTOM - TOP) * scale))
        shape = (self.size[1], self.size[0])
        self.picture: Image = np.zeros((*shape, 3), np.uint8)
        self.picture = np.asarray(cv2.rectangle(self.picture, (0, 0), self.size, colour, -1))
        self.coverage: NDArray[np.uint8] = np.zeros(shape, np.uint8)
        self._shade: NDArray[np.uint8] = np.full(shape, 128, np.uint8)

    def to_sheet(self) -> Floats:
        """The (2, 3) map from the face's own frame to px of the sheet."""
        return np.array(
            [
                [self.scale, 0.0, -LEFT * self.scale - 0.5],
                [0.0, self.scale, -TOP * self.scale - 0.5],
            ]
        )

    def _fixed(self, points: Floats) -> NDArray[np.int32]:
        matrix = self.to_sheet()
        pixels = points @ matrix[:, :2].T + matrix[:, 2]
        return np.rint(pixels * (1 << SUBPIXEL_BITS)).astype(np.int32)

    def fill(self, outline: Floats, colour: Colour, covers: bool = False) -> None:
        """Fill an outline (N, 2); `covers`: the shape is part of the head's silhouette."""
        fixed = [self._fixed(outline)]
        cv2.fillPoly(self.picture, fixed, colour, cv2.LINE_AA, SUBPIXEL_BITS)
        if covers:
            cv2.fillPoly(self.coverage, fixed, (255,), cv2.LINE_AA, SUBPIXEL_BITS)

    def stroke(self, line: Floats, colour: Colour, width: float) -> None:
        """Draw a line (N, 2) of a width in units."""
        thick = self._thickness(width)
        cv2.polylines(
            self.picture, [self._fixed(line)], False, colour, thick, cv2.LINE_AA, SUBPIXEL_BITS
        )

    def crease(self, line: Floats, strength: float, width: float = 0.011) -> None:
        """A fold of the skin along a line (N, 2): darker by `strength`, lighter if negative."""
        if strength == 0.0:
            return
        tone = (float(np.clip(128 - 128 * strength, 0, 255)),)
        thick = self._thickness(width)
        cv2.polylines(self._shade, [self._fixed(line)], False, tone, thick, cv2.LINE_AA, 5)

    def shade(self, outline: Floats, strength: float) -> None:
        """An area of the skin (N, 2), darker by `strength`, lighter if negative."""
        if strength == 0.0:
            return
        tone = (float(np.clip(128 - 128 * strength, 0, 255)),)
        cv2.fillPoly(self._shade, [self._fixed(outline)], tone, cv2.LINE_AA, SUBPIXEL_BITS)

    def soften(self, width: float) -> None:
        """Blur what was shaded so far, by a standard deviation in units; coarsely, for speed."""
        step = max(1, int(width * self.scale / 2))
        small = cv2.resize(self._shade, (self.size[0] // step, self.size[1] // step))
        blurred = cv2.GaussianBlur(small, (0, 0), width * self.scale / step)
        self._shade = np.asarray(cv2.resize(blurred, self.size), np.uint8)

    def apply_shade(self) -> None:
        """Darken and lighten the picture by the shade; twice its tone at white, black at black."""
        gain = cv2.merge([self._shade] * 3)
        self.picture = np.asarray(cv2.multiply(self.picture, gain, scale=1 / 128), np.uint8)

    def _thickness(self, width: float) -> int:
        return max(1, round(width * self.scale))


_ANGLES = np.linspace(0, 2 * np.pi, 40, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def ellipse(x: float, y: float, half_width: float, half_height: float) -> Floats:
    """The outline (40, 2) of an upright ellipse."""
    return np.asarray(_CIRCLE * [half_width, half_height] + [x, y], dtype=np.float64)
