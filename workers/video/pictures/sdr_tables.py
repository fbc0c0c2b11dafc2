"""The formula of `hdr_formula` on whole pictures: quick, and within one step of 8 bits of it.

A table over all colours (libavfilter's lut3d) is quicker still, but between its points it is wrong
by up to 27 of 255 steps, where a colour is dark and saturated. Each part of the formula that acts
on one channel becomes a table of 65,536 entries; what mixes channels stays arithmetic.
"""

from functools import lru_cache

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation
from numpy.typing import NDArray

from workers.arrays import Image
from workers.video.pictures.colour import HLG_PEAK, Colour, matrix_of
from workers.video.pictures.hdr_formula import (
    BT2020_LUMA,
    HDR_WHITE,
    HLG_GAMMA,
    SDR_GAMMA,
    SDR_WHITE,
    hlg_scene_light,
    pq_light,
    sdr_signal_of_light,
    to_bt709,
    tone_mapped,
)

Light = NDArray[np.float32]

EXACT_BICUBIC = int(
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)

_ENTRIES = 65_536
_ROWS = 64
"""So many are converted at a time: they fit into a processor's cache."""

# Kr and Kb by AVColorSpace (ITU-T H.273, table 4); BT.601's where none is said.
_LUMA = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
_BT601_LUMA = (0.299, 0.114)


def sdr_picture(frame: VideoFrame, width: int, height: int, colour: Colour) -> Image:
    """The frame as SDR BT.709, BGR (height, width, 3), scaled to that size at full depth."""
    tables = _SdrTables.of(colour)
    if frame.format.is_rgb:
        planes, to_rgb = _rgb_planes(frame, width, height), np.eye(3, 4, dtype=np.float32)
    else:
        planes, to_rgb = _ycc_planes(frame, width, height), _ycc_to_rgb(frame)
    picture = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _ROWS):
        rows = slice(top, top + _ROWS)
        strip = cv2.merge([plane[rows] for plane in planes]).astype(np.float32)
        signal = np.clip(cv2.transform(strip, to_rgb), 0, _ENTRIES - 1)
        picture[rows] = tables.bgr((signal + 0.5).astype(np.uint16))
    return picture


class _SdrTables:
    """The formula for one kind of colours."""

    def __init__(self, colour: Colour) -> None:
        signal = np.linspace(0, 1, _ENTRIES)
        white = SDR_WHITE / HDR_WHITE
        self._peak = colour.peak * white / SDR_WHITE
        self._is_hlg = colour.transfer == "hlg"
        if colour.transfer == "pq":
            light = tone_mapped(pq_light(signal) * white, colour.peak * white, SDR_WHITE)
        elif colour.transfer == "hlg":
            light = hlg_scene_light(signal) * SDR_WHITE
            shown = (np.arange(_ENTRIES) + 0.5) / _ENTRIES * self._peak * SDR_WHITE
            compressed = tone_mapped(shown, colour.peak * white, SDR_WHITE) / shown
            self._compression = compressed.astype(np.float32)
        else:
            light = np.power(signal, SDR_GAMMA) * SDR_WHITE
        self._light = (light / SDR_WHITE).astype(np.float32)
        self._to_bgr = to_bt709(colour.primaries)[::-1].astype(np.float32)
        # Over the square root of light, since near black the signal is steep in light itself.
        self._signal = np.rint(255 * sdr_signal_of_light(np.square(signal))).astype(np.uint8)

    @staticmethod
    @lru_cache(maxsize=4)
    def of(colour: Colour) -> "_SdrTables":
        """The tables for these colours, made once."""
        return _SdrTables(colour)

    def bgr(self, rgb: NDArray[np.uint16]) -> Image:
        """8-bit BGR of 16-bit R'G'B' (H, W, 3)."""
        light: Light = self._light[rgb]
        if self._is_hlg:
            light = self._displayed(light)
        mixed = np.clip(cv2.transform(light, self._to_bgr), 0, 1)
        bgr: Image = self._signal[(cv2.sqrt(mixed) * (_ENTRIES - 1) + 0.5).astype(np.uint16)]
        return bgr

    def _displayed(self, scene: Light) -> Light:
        """HLG's OOTF, and the tone mapping that follows it."""
        luminance = cv2.transform(scene, BT2020_LUMA[None].astype(np.float32))
        gain = cv2.pow(luminance, HLG_GAMMA - 1) * np.float32(HLG_PEAK / HDR_WHITE)
        light: Light = scene * gain[..., None]
        step = (light * np.float32((_ENTRIES - 1) / self._peak)).astype(np.uint16)
        return light * self._compression[step]


def _ycc_planes(frame: VideoFrame, width: int, height: int) -> list[NDArray[np.uint16]]:
    return _planes(frame, "yuv444p16le", width, height)


def _rgb_planes(frame: VideoFrame, width: int, height: int) -> list[NDArray[np.uint16]]:
    green, blue, red = _planes(frame, "gbrp16le", width, height)
    return [red, green, blue]


def _planes(frame: VideoFrame, kind: str, width: int, height: int) -> list[NDArray[np.uint16]]:
    deep = frame.reformat(
        width=width, height=height, format=kind, interpolation=EXACT_BICUBIC, threads=1
    )
    return [
        np.frombuffer(memoryview(plane), np.uint16).reshape(height, -1)[:, :width]
        for plane in deep.planes
    ]


def _ycc_to_rgb(frame: VideoFrame) -> NDArray[np.float32]:
    """(3, 4): from 16-bit Y'CbCr to R'G'B' of 0 to 65,535 (ITU-T H.273, 8.3).

    FFmpeg fills 16 bits up with zeros from below, so limited range keeps its 16 to 235 of 256.
    """
    kr, kb = _LUMA.get(matrix_of(frame), _BT601_LUMA)
    kg = 1 - kr - kb
    if frame.color_range == ColorRange.JPEG:
        depth = frame.format.components[0].bits
        black, white = 0, ((1 << depth) - 1) << (16 - depth)
        chroma = white
    else:
        black, white, chroma = 16 << 8, 219 << 8, 224 << 8
    mixed = np.array(
        [
            [1, 0, 2 * (1 - kr)],
            [1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg],
            [1, 2 * (1 - kb), 0],
        ]
    )
    scaled = mixed * (_ENTRIES - 1) / np.array([white, chroma, chroma])
    offset = -scaled @ np.array([black, 1 << 15, 1 << 15])
    return np.column_stack([scaled, offset]).astype(np.float32)
