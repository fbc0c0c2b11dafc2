"""Interlaced frames become pictures of one moment: one for each, by itself."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.codec.context import Flags
from numpy.typing import NDArray

from tests.decoded_chunks import decode_chunks
from tests.recordings import Recipe, draw, read_number, record
from workers.video import VideoError
from workers.video.reading.index import read_index

Picture = NDArray[np.uint8]

INTERLACED = int(Flags.interlaced_dct) | int(Flags.interlaced_me)
FRAMES = 24
TOP_FIRST, BOTTOM_FIRST = 2, 3  # AVFieldOrder


def woven(number: int, width: int, height: int) -> Picture:
    """Frame n holds the moment 2n in its even rows and 2n + 1 in its odd ones."""
    frame = draw(2 * number, width, height)
    frame[1::2] = draw(2 * number + 1, width, height)[1::2]
    return frame


def woven_bottom_first(number: int, width: int, height: int) -> Picture:
    frame = draw(2 * number + 1, width, height)
    frame[1::2] = draw(2 * number, width, height)[1::2]
    return frame


def combing(picture: Picture) -> float:
    """How much rows differ from both their neighbours, more than those do from each other."""
    rows = picture.astype(float)
    apart = np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2)
    return float((apart - np.abs(rows[:-2] - rows[2:]) / 2).mean())


CODED = Recipe(frames=FRAMES, encoder_flags=INTERLACED, field_mode="tff")
# Interlaced by the container's word alone: these codecs say nothing of it.
DECLARED = Recipe(frames=FRAMES, field_order=TOP_FIRST)
RECIPES = {
    "h264.mp4": replace(CODED, options=(("bf", "2"), ("g", "8"))),
    "h264.mts": replace(CODED, options=(("bf", "2"), ("g", "8"))),
    "mpeg2.mpg": replace(CODED, codec="mpeg2video", options=(("b", "4M"), ("g", "8"))),
    "mpeg4.avi": replace(CODED, codec="mpeg4", options=(("b", "4M"), ("g", "8"))),
    "prores.mov": replace(CODED, codec="prores_ks", pix_fmt="yuv422p10le"),
    "raw.mov": replace(CODED, codec="rawvideo", pix_fmt="uyvy422", field_order=TOP_FIRST),
    "v210.mov": replace(
        CODED, codec="v210", width=192, pix_fmt="yuv422p10le", field_order=TOP_FIRST
    ),
    "declared_ffv1.mkv": replace(DECLARED, codec="ffv1"),
    "declared_png.mov": replace(DECLARED, codec="png", pix_fmt="rgb24"),
}


@pytest.mark.parametrize("name", RECIPES)
def test_the_first_field_is_shown_without_combing_and_every_frame_once(
    tmp_path: Path, name: str
) -> None:
    path = record(tmp_path / name, RECIPES[name], woven)
    index = read_index(path)
    for chunk_frames in (5, 1000):
        pictures = decode_chunks(path, index, chunk_frames)
        assert [read_number(picture) for picture in pictures] == [2 * n for n in range(FRAMES)]
    for number, picture in enumerate(pictures):
        height, width = picture.shape[:2]
        assert combing(woven(number, width, height)) > 2
        assert combing(picture) < 0.5
        # The lines of its own field are kept; those between are made up.
        kept = picture[::2].astype(float) - draw(2 * number, width, height)[::2]
        assert np.abs(kept).mean() < 15


@pytest.mark.parametrize("name", ["h264.mp4", "mpeg2.mpg", "declared_ffv1.mkv"])
def test_the_bottom_field_is_shown_where_it_is_the_first(tmp_path: Path, name: str) -> None:
    recipe = RECIPES[name]
    if recipe.field_order:
        recipe = replace(recipe, field_order=BOTTOM_FIRST)
    else:
        recipe = replace(recipe, field_mode="bff")
    path = record(tmp_path / name, recipe, woven_bottom_first)
    pictures = decode_chunks(path, read_index(path), 1000)
    assert [read_number(picture) for picture in pictures] == [2 * n for n in range(FRAMES)]


def test_progressive_frames_among_interlaced_ones_are_left_alone(tmp_path: Path) -> None:
    codec = replace(CODED, codec="mpeg2video", options=(("b", "4M"), ("g", "8")))
    fields = record(tmp_path / "fields.ts", codec, woven).read_bytes()
    frames = record(tmp_path / "frames.ts", replace(codec, encoder_flags=0, field_mode="prog"))
    path = tmp_path / "both.ts"
    path.write_bytes(fields + frames.read_bytes())
    with av.open(str(frames)) as container:
        plain = [
            frame.reformat(format="bgr24", interpolation="BICUBIC").to_ndarray()
            for frame in container.decode(video=0)
        ]
    pictures = decode_chunks(path, read_index(path), 1000)
    assert [read_number(p) for p in pictures[:20]] == [2 * n for n in range(20)]
    for picture, expected in zip(pictures[FRAMES:], plain, strict=True):
        assert np.array_equal(picture, expected)


def test_dv_is_deinterlaced_and_its_oblong_pixels_made_square(tmp_path: Path) -> None:
    recipe = Recipe(
        frames=4,
        codec="dvvideo",
        width=720,
        height=576,
        time_base=Fraction(1, 25),
        pixel_aspect=Fraction(64, 45),
    )
    path = record(tmp_path / "dv.avi", recipe, woven_bottom_first)
    index = read_index(path)
    pictures = decode_chunks(path, index, 1000)
    assert index.pixel_aspect == Fraction(64, 45)
    assert [picture.shape for picture in pictures] == 4 * [(576, 1024, 3)]
    assert [read_number(picture) for picture in pictures] == [0, 2, 4, 6]
    assert all(combing(picture) < 0.5 for picture in pictures)


def test_hevc_that_keeps_each_field_as_a_picture_is_refused(tmp_path: Path) -> None:
    recipe = Recipe(
        codec="libx265",
        frames=4,
        width=256,
        options=(("x265-params", "log-level=0:interlace=tff"),),
    )
    path = record(tmp_path / "fields.mp4", recipe)
    with pytest.raises(VideoError, match=r"^fields\.mp4: an interlaced HEVC recording keeps each"):
        read_index(path)
