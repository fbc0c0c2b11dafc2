"""What varies from phantom to phantom: skin, hair, light, background, sharpness and noise."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[float, float, float]
"""BGR, 0 to 255."""

_FAIR, _DARK = np.array([170.0, 192.0, 232.0]), np.array([62.0, 88.0, 132.0])
_HAIRS: tuple[Colour, ...] = ((25, 28, 32), (30, 50, 75), (60, 100, 140), (90, 90, 95))
_IRISES: tuple[Colour, ...] = ((35, 55, 80), (120, 90, 50), (70, 95, 70))


@dataclass(frozen=True, slots=True)
class Appearance:
    """One phantom's look.

    light: gains at the four ends of the picture's axes relative to its middle (rightwards,
    downwards) and overall; tint: gains of B, G, R; blur: standard deviation, px; noise: standard
    deviation, grey levels; seed: of background and noise; grain: which of the seed's noise
    patterns a picture has, for videos.
    """

    seed: int
    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    clothes: Colour
    light: tuple[float, float, float]
    tint: Colour
    blur: float
    noise: float
    grain: int = 0

    @classmethod
    def from_seed(cls, seed: int) -> "Appearance":
        """The phantom of this seed, always the same."""
        draw = np.random.default_rng([seed, 1])
        tone = draw.uniform()
        skin = (_FAIR + (_DARK - _FAIR) * tone) * draw.uniform(0.93, 1.07, 3)
        lips = skin * np.array([0.72, 0.62, 0.92]) * draw.uniform(0.92, 1.08)
        hair = np.array(_HAIRS[draw.integers(len(_HAIRS))]) * (1.0 - 0.5 * tone)
        return cls(
            seed=seed,
            skin=_colour(skin),
            hair=_colour(hair),
            iris=_IRISES[draw.integers(len(_IRISES))],
            lips=_colour(lips),
            clothes=_colour(draw.uniform(30, 220, 3)),
            light=(
                float(draw.uniform(-0.25, 0.25)),
                float(draw.uniform(-0.20, 0.20)),
                float(draw.uniform(0.75, 1.10)),
            ),
            tint=_colour(draw.uniform(0.94, 1.06, 3)),
            blur=float(draw.uniform(0.3, 0.9)),
            noise=float(draw.uniform(0.5, 4.0)),
        )


def _colour(values: NDArray[np.float64]) -> Colour:
    blue, green, red = (float(v) for v in values)
    return blue, green, red


def room(appearance: Appearance, width: int, height: int) -> Image:
    """The lit background, out of focus: a slope of colour with soft discs and panels in it."""
    unseen = replace(appearance, grain=0)
    return _room(unseen, width, height).copy()


@lru_cache(maxsize=2)
def _room(appearance: Appearance, width: int, height: int) -> Image:
    draw = np.random.default_rng([appearance.seed, 2])
    grey = draw.uniform(40, 200)
    coarse = (grey + draw.uniform(-25, 25, 3) + draw.uniform(-20, 20, (3, 4, 3))).clip(10, 245)
    size = (max(width // 8, 8), max(height // 8, 8))
    picture = cv2.resize(coarse.astype(np.uint8), size, interpolation=cv2.INTER_CUBIC)
    for _ in range(draw.integers(3, 9)):
        _put_thing(picture, draw)
    soft = cv2.GaussianBlur(picture, (0, 0), float(draw.uniform(0.8, 2.5)))
    large = np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    return lit(large, appearance, (0, 0), width, height)


def _put_thing(picture: NDArray[Any], draw: np.random.Generator) -> None:
    size = np.array(picture.shape[1::-1])
    colour = (draw.uniform(30, 215) + draw.uniform(-30, 30, 3)).tolist()
    centre = (draw.uniform(0, 1, 2) * size).astype(int)
    reach = (draw.uniform(0.03, 0.25, 2) * max(size)).astype(int) + 1
    if draw.uniform() < 0.5:
        angle = float(draw.uniform(0, 180))
        cv2.ellipse(picture, centre.tolist(), reach.tolist(), angle, 0, 360, colour, -1)
    else:
        low, high = (centre - reach).tolist(), (centre + reach).tolist()
        cv2.rectangle(picture, low, high, colour, -1)


def lit(
    part: Image, appearance: Appearance, corner: tuple[int, int], width: int, height: int
) -> Image:
    """A part of a picture of the given size under the appearance's light.

    corner: x, y of the part's upper left pixel in the picture.
    """
    right, down, overall = appearance.light
    x = (np.arange(part.shape[1], dtype=np.float32) + corner[0]) * np.float32(2 / width) - 1
    y = (np.arange(part.shape[0], dtype=np.float32) + corner[1]) * np.float32(2 / height) - 1
    gain = np.float32(overall) * (
        1 + np.float32(right) * x[None, :] + np.float32(down) * y[:, None]
    )
    gains = cv2.merge([gain * np.float32(tint) for tint in appearance.tint])
    return np.asarray(cv2.multiply(part, gains, dtype=cv2.CV_8U), np.uint8)


def add_noise(picture: Image, appearance: Appearance) -> Image:
    """The picture with the sensor's noise; each grain is another cut of one large pattern."""
    height, width = picture.shape[:2]
    draw = np.random.default_rng([appearance.seed, 3, appearance.grain])
    top, left = (int(v) for v in draw.integers(0, _SPARE, 2))
    pattern = _noise_pattern(width + _SPARE, height + _SPARE)
    cut = pattern[top : top + height, left : left + width] * np.float32(appearance.noise)
    return np.asarray(cv2.add(picture, cut, dtype=cv2.CV_8U), np.uint8)


_SPARE = 64
_TILE = 1024


@lru_cache(maxsize=4)
def _noise_pattern(width: int, height: int) -> NDArray[np.float32]:
    """Standard normal noise (at least height, width, 3), repeated where it is too small."""
    tile = _noise_tile()
    if width <= _TILE and height <= _TILE:
        return tile
    return np.tile(tile, (-(-height // _TILE), -(-width // _TILE), 1))


@lru_cache(maxsize=1)
def _noise_tile() -> NDArray[np.float32]:
    return np.random.default_rng(4).standard_normal((_TILE, _TILE, 3), dtype=np.float32)
