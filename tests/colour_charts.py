"""Charts of colours in HDR and wide-gamut recordings, and what they are worth in SDR BT.709.

The values are worked out here with plain numbers, apart from the project's own formulas.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

Colour = tuple[float, float, float]

PATCH = 32
BT709, BT2020, DISPLAY_P3 = 1, 9, 12  # ITU-T H.273, table 2
PQ, HLG = 16, 18  # table 3
UNSAID = 2  # in all three tables; with HDR it is BT.2020's
MATRIX_709, MATRIX_601, MATRIX_2020 = 1, 6, 9  # table 4
LUMA = {MATRIX_709: (0.2126, 0.0722), MATRIX_601: (0.299, 0.114), MATRIX_2020: (0.2627, 0.0593)}
LUMA[UNSAID] = LUMA[MATRIX_2020]

# Published matrices of linear light: ITU-R BT.2087's for BT.2020, and the usual one for P3.
TO_BT709 = {
    BT709: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    BT2020: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    DISPLAY_P3: ((1.2249, -0.2249, 0.0), (-0.0421, 1.0421, 0.0), (-0.0196, -0.0786, 1.0983)),
}
TO_BT709[UNSAID] = TO_BT709[BT2020]


@dataclass(frozen=True, slots=True)
class Chart:
    """A row of patches. transfer, primaries, matrix: H.273's numbers; 1 for SDR's transfer.
    full: the range of the samples. bits: of a sample."""

    transfer: int
    primaries: int = BT2020
    matrix: int = MATRIX_2020
    full: bool = False
    bits: int = 10


def pq_to_light(signal: float) -> float:
    """cd/m² (BT.2100, table 4)."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = signal ** (1 / m2)
    return 10_000 * (max(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def light_to_pq(light: float) -> float:
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = (light / 10_000) ** m1
    return ((c1 + c2 * root) / (1 + c3 * root)) ** m2


def hlg_to_light(colour: Colour) -> Colour:
    """cd/m² on a display of 1000 (BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = [s * s / 3 if s <= 0.5 else (math.exp((s - c) / a) + b) / 12 for s in colour]
    luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2]
    gain = 1000 * luminance**0.2 if luminance else 0.0
    red, green, blue = (gain * value for value in scene)
    return red, green, blue


def compressed(light: float, source: float, target: float) -> float:
    """BT.2390, 5.4.1, black at 0."""
    top, limit = light_to_pq(source), light_to_pq(target) / light_to_pq(source)
    if limit >= 1:
        return light
    knee = 1.5 * limit - 0.5
    signal = min(light_to_pq(light) / top, 1)
    if signal < knee:
        return light
    t = (signal - knee) / (1 - knee)
    squared, cubed = t * t, t * t * t
    bent = (2 * cubed - 3 * squared + 1) * knee
    bent += (cubed - 2 * squared + t) * (1 - knee) + (3 * squared - 2 * cubed) * limit
    return pq_to_light(bent * top)


def worth(colour: Colour, chart: Chart, peak: float = 1000) -> Colour:
    """The BT.709 signal, 0 to 1, of a colour in the chart's own signal."""
    if chart.transfer == PQ:
        light = [pq_to_light(value) for value in colour]
    elif chart.transfer == HLG:
        light = list(hlg_to_light(colour))
    else:
        light = [203 * value**2.4 for value in colour]
    scaled = [value * 100 / 203 for value in light]
    if chart.transfer in (PQ, HLG):
        scaled = [compressed(value, peak * 100 / 203, 100) for value in scaled]
    rows = TO_BT709[chart.primaries]
    mixed = [sum(w * v for w, v in zip(row, scaled, strict=True)) / 100 for row in rows]
    red, green, blue = (min(max(value, 0), 1) ** (1 / 2.4) for value in mixed)
    return red, green, blue


def coded(colour: Colour, chart: Chart) -> Colour:
    """The Y'CbCr code values of a colour (ITU-T H.273, 8.3)."""
    kr, kb = LUMA[chart.matrix]
    luma = kr * colour[0] + (1 - kr - kb) * colour[1] + kb * colour[2]
    blue, red = (colour[2] - luma) / 2 / (1 - kb), (colour[0] - luma) / 2 / (1 - kr)
    top, step = (1 << chart.bits) - 1, 1 << (chart.bits - 8)
    if chart.full:
        return top * luma, top * blue + (top + 1) // 2, top * red + (top + 1) // 2
    return step * (219 * luma + 16), step * (224 * blue + 128), step * (224 * red + 128)


def as_stored(colour: Colour, chart: Chart) -> Colour:
    """A colour once its code values are rounded."""
    kr, kb = LUMA[chart.matrix]
    black, white = coded((0.0, 0.0, 0.0), chart), coded((1.0, 1.0, 1.0), chart)
    luma, blue, red = (
        round(value) - zero for value, zero in zip(coded(colour, chart), black, strict=True)
    )
    chroma = (white[0] - black[0]) * (1 if chart.full else 224 / 219)
    luma, blue, red = luma / (white[0] - black[0]), blue / chroma, red / chroma
    shown_red, shown_blue = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    green = (luma - kr * shown_red - kb * shown_blue) / (1 - kr - kb)
    shown_red, green, shown_blue = (min(max(v, 0.0), 1.0) for v in (shown_red, green, shown_blue))
    return shown_red, green, shown_blue


def chart_frame(colours: Sequence[Colour], chart: Chart) -> VideoFrame:
    """The patches side by side, 4:2:0."""
    frame = VideoFrame(PATCH * len(colours), PATCH, f"yuv420p{chart.bits}le")
    for number, plane in enumerate(frame.planes):
        values = [round(coded(colour, chart)[number]) for colour in colours]
        row = np.repeat(np.array(values, np.uint16), PATCH if number == 0 else PATCH // 2)
        padded = np.zeros(plane.line_size // 2, np.uint16)
        padded[: len(row)] = row
        plane.update(np.tile(padded, plane.height).tobytes())
    frame.color_trc, frame.color_primaries = chart.transfer, chart.primaries
    frame.colorspace, frame.color_range = chart.matrix, 2 if chart.full else 1
    return frame


def record_chart(
    path: Path,
    colours: Sequence[Colour],
    chart: Chart,
    frames: int = 3,
    rotation: int = 0,
    **x265: str | int,
) -> Path:
    """Writes the patches as lossless HEVC. x265: more of its options, for metadata."""
    options = {"log-level": 0, "lossless": 1, **x265}
    parameters = ":".join(f"{name}={value}" for name, value in options.items())
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx265", rate=30, options={"x265-params": parameters})
        context = stream.codec_context
        context.width, context.height = PATCH * len(colours), PATCH
        context.pix_fmt = f"yuv420p{chart.bits}le"
        context.color_trc, context.color_primaries = chart.transfer, chart.primaries
        context.colorspace, context.color_range = chart.matrix, 2 if chart.full else 1
        if rotation:
            stream.set_display_rotation(-rotation)
        for number in range(frames):
            frame = chart_frame(colours, chart)
            frame.pts, frame.time_base = number, Fraction(1, 30)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def patches(picture: NDArray[np.uint8], count: int) -> list[Colour]:
    """The colours at the middles of the patches, 0 to 1, red first."""
    row = picture[PATCH // 2, PATCH // 2 :: PATCH, ::-1] / 255
    return [(float(red), float(green), float(blue)) for red, green, blue in row[:count]]


def record_hlg(path: Path, pictures: Sequence[NDArray[np.uint8]], time_base: Fraction) -> Path:
    """Writes BT.709 pictures (BGR) as a phone's HLG that shows the same: 10-bit HEVC, BT.2020."""
    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as output:
        options = {"x265-params": "log-level=0:crf=8:keyint=12"}
        stream = output.add_stream("libx265", rate=30, options=options)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p10le"
        context.time_base = time_base
        context.color_trc, context.color_primaries = HLG, BT2020
        context.colorspace, context.color_range = MATRIX_2020, 1
        for number, picture in enumerate(pictures):
            frame = _hlg_frame(picture)
            frame.pts, frame.time_base = number, time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _hlg_frame(picture: NDArray[np.uint8]) -> VideoFrame:
    signal = _to_hlg(picture[..., ::-1] / 255)
    kr, kb = LUMA[MATRIX_2020]
    luma = signal @ np.array([kr, 1 - kr - kb, kb])
    blue, red = (signal[..., 2] - luma) / 2 / (1 - kb), (signal[..., 0] - luma) / 2 / (1 - kr)
    planes = [4 * (219 * luma + 16), *(4 * (224 * c[::2, ::2] + 128) for c in (blue, red))]
    frame = VideoFrame(picture.shape[1], picture.shape[0], "yuv420p10le")
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        rows[:, : values.shape[1]] = np.rint(values)
        plane.update(rows.tobytes())
    frame.color_trc, frame.color_primaries = HLG, BT2020
    frame.colorspace, frame.color_range = MATRIX_2020, 1
    return frame


def _to_hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The HLG signal that becomes a BT.709 signal, by turning `worth` around."""
    peak = 1000 * 100 / 203
    bright = np.linspace(0, peak, 2000)
    shown = [compressed(value, peak, 100) for value in bright]
    light = 100 * signal**2.4 @ np.linalg.inv(np.array(TO_BT709[BT2020])).T
    display = np.interp(light, shown, bright) * 203 / 100 / 1000
    luminance = display @ np.array([0.2627, 0.6780, 0.0593])
    scene = display * np.maximum(luminance, 1e-9)[..., None] ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    high = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.clip(np.where(scene <= 1 / 12, np.sqrt(3 * np.maximum(scene, 0)), high), 0, 1)
