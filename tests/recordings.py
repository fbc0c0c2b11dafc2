"""Small recordings made on the spot, whose every frame shows its own number.

A frame's number stands in it as a bar code of 12 black or white blocks over a moving texture, so
a dropped, doubled or swapped frame is seen in the pixels, whatever the times say.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

BITS = 12
COLUMNS, ROWS = 4, 3


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a recording.

    times: presentation times of the frames in ticks of `time_base`; None is one tick each.
    rotation: clockwise degrees that a player has to turn the frames by.
    options: the encoder's. container: its options. faststart and the like go there.
    unordered: how many frames at the start are predicted from earlier ones only (H.264).
    pixel_aspect: width of a pixel over its height. primaries, transfer: H.273's numbers.
    field_mode: how frames are flagged: tff and bff (fields, top or bottom first), prog, or not.
    field_order: AVFieldOrder for the container. encoder_flags: of AVCodecContext.
    """

    frames: int = 60
    codec: str = "libx264"
    width: int = 128
    height: int = 96
    time_base: Fraction = Fraction(1, 30)
    times: Sequence[int] | None = None
    pix_fmt: str = "yuv420p"
    rotation: int = 0
    options: tuple[tuple[str, str], ...] = ()
    container: tuple[tuple[str, str], ...] = ()
    colorspace: int = 2
    color_range: int = 0
    unordered: int = 0
    pixel_aspect: Fraction | None = None
    primaries: int = 2
    transfer: int = 2
    field_mode: str = ""
    encoder_flags: int = 0
    field_order: int = 0


def draw(number: int, width: int = 128, height: int = 96) -> NDArray[np.uint8]:
    """A BGR picture (height, width, 3) that shows `number`, 0 to 4095."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = 40 * np.sin((x + 3 * number) / 9) + 40 * np.cos((y - 2 * number) / 7)
    picture = np.stack([128 + waves, 128 - waves, 128 + waves / 2], axis=-1)
    for bit in range(BITS):
        top, bottom, left, right = _block(bit, width, height)
        picture[top:bottom, left:right] = 235 if number >> bit & 1 else 20
    return picture.astype(np.uint8)


def read_number(picture: NDArray[np.uint8]) -> int:
    """The number that `draw` put into a picture, however it was compressed."""
    height, width = picture.shape[:2]
    number = 0
    for bit in range(BITS):
        top, bottom, left, right = _block(bit, width, height)
        number |= int(picture[top:bottom, left:right].mean() > 128) << bit
    return number


def _block(bit: int, width: int, height: int) -> tuple[int, int, int, int]:
    row, column = divmod(bit, COLUMNS)
    cell_height, cell_width = height // ROWS, width // COLUMNS
    top, left = row * cell_height + cell_height // 4, column * cell_width + cell_width // 4
    return top, top + cell_height // 2, left, left + cell_width // 2


def record(
    path: Path,
    recipe: Recipe = Recipe(),
    picture: Callable[[int, int, int], NDArray[np.uint8]] = draw,
) -> Path:
    """Writes a recording to `path`; its suffix chooses the container. picture: gives the upright
    BGR picture of a frame by its number, width and height."""
    with av.open(str(path), "w", options=dict(recipe.container)) as output:
        rate = Fraction(30)
        stream = output.add_stream(recipe.codec, rate=rate, options=dict(recipe.options))
        context = stream.codec_context
        turned = recipe.rotation in (90, 270)
        context.width = recipe.height if turned else recipe.width
        context.height = recipe.width if turned else recipe.height
        context.pix_fmt = recipe.pix_fmt
        context.time_base = recipe.time_base
        context.thread_count = 1
        context.colorspace, context.color_range = recipe.colorspace, recipe.color_range
        context.color_primaries, context.color_trc = recipe.primaries, recipe.transfer
        context.flags |= recipe.encoder_flags
        context.field_order = recipe.field_order
        if recipe.pixel_aspect is not None:
            context.sample_aspect_ratio = recipe.pixel_aspect
        if recipe.rotation:
            stream.set_display_rotation(-recipe.rotation)  # FFmpeg counts anticlockwise
        times = range(recipe.frames) if recipe.times is None else recipe.times
        for number, time in zip(range(recipe.frames), times, strict=True):
            frame = _coded(picture(number, recipe.width, recipe.height), recipe)
            frame.pts, frame.time_base = time, recipe.time_base
            if number < recipe.unordered:
                frame.pict_type = PictureType.P
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def _coded(picture: NDArray[np.uint8], recipe: Recipe) -> VideoFrame:
    """The frame as the camera stores it: turned back by what a player turns it."""
    stored = np.ascontiguousarray(np.rot90(picture, recipe.rotation // 90))
    frame = VideoFrame.from_ndarray(stored, format="bgr24").reformat(
        format=recipe.pix_fmt,
        dst_colorspace=None if recipe.colorspace == 2 else recipe.colorspace,
        dst_color_range=recipe.color_range or None,
    )
    frame.color_primaries, frame.color_trc = recipe.primaries, recipe.transfer
    return _flagged(frame, recipe.field_mode) if recipe.field_mode else frame


def _flagged(frame: VideoFrame, field_mode: str) -> VideoFrame:
    """The frame marked as woven from fields (tff, bff), or not (prog)."""
    graph = Graph()
    source = graph.add_buffer(template=frame, time_base=Fraction(1, 30))
    sink = graph.add("buffersink")
    graph.link_nodes(source, graph.add("setfield", field_mode), sink).configure()
    source.push(frame)
    return sink.pull()


def record_sound(path: Path) -> Path:
    """Writes a second of silence, and no video."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=16_000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 16_000), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 16_000
        output.mux(stream.encode(silence))
        output.mux(stream.encode(None))
    return path


def cut_off(path: Path, share: float) -> Path:
    """Leaves the first `share` of a file's bytes, as a broken copy does."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def hide_first_ticks(path: Path, ticks: int) -> Path:
    """Moves the start of an MP4's edit list on by `ticks` of its media time scale."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 16  # type, version and flags, count, duration: then media time
    start = int.from_bytes(data[at : at + 4], "big")
    data[at : at + 4] = (start + ticks).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def claim_frames(path: Path, frames: int) -> Path:
    """Overwrites both frame counts in the header of an AVI."""
    data = bytearray(path.read_bytes())
    for chunk, offset in ((b"avih", 24), (b"strh", 40)):
        at = data.index(chunk) + offset
        data[at : at + 4] = frames.to_bytes(4, "little")
    path.write_bytes(data)
    return path
