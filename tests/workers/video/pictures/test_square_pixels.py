"""Oblong pixels are made square: a circle is round, and an eye is as open as it was."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.decoded_chunks import decode_chunks
from tests.recordings import Recipe, record
from workers.video import VideoError
from workers.video.pictures.square_pixels import square_size
from workers.video.reading.index import read_index

Picture = NDArray[np.uint8]

HALF_CLOSED = 0.15  # the opening of an eye over its width: AU45 of 2.5


def eye(width: int, height: int) -> Picture:
    """An eye, half closed."""
    picture = np.full((height, width, 3), 40, np.uint8)
    half = min(width, height) // 3
    axes = (half, round(HALF_CLOSED * half))
    cv2.ellipse(
        picture, (width // 2, height // 2), axes, 0, 0, 360, (220, 220, 220), -1, cv2.LINE_AA
    )
    return picture


def opening(picture: Picture) -> float:
    """Height over width of what is bright, along its two axes."""
    grey = np.clip((picture.mean(axis=2) - 80) / 100, 0, 1)
    return grey[:, grey.shape[1] // 2].sum() / grey[grey.shape[0] // 2].sum()


HDV, PAL_WIDE = Fraction(4, 3), Fraction(64, 45)
FORMATS = {
    "hdv.mp4": Recipe(width=360, height=270, pixel_aspect=HDV),
    "hdv.mkv": Recipe(width=360, height=270, pixel_aspect=HDV),
    "hdv.ts": Recipe(codec="mpeg2video", width=360, height=270, pixel_aspect=HDV),
    "pal_wide.avi": Recipe(codec="mpeg4", width=360, height=288, pixel_aspect=PAL_WIDE),
    "pal_wide.mov": Recipe(
        codec="mjpeg", pix_fmt="yuvj420p", width=360, height=288, pixel_aspect=PAL_WIDE
    ),
    "pal.mp4": Recipe(width=360, height=288, pixel_aspect=Fraction(16, 15)),
    "ntsc.mp4": Recipe(width=360, height=240, pixel_aspect=Fraction(8, 9)),
    "high.mp4": Recipe(width=480, height=180, pixel_aspect=Fraction(1, 2)),
    "odd.mp4": Recipe(codec="mpeg4", width=361, height=271, pixel_aspect=HDV),
    "ten_bit.mkv": Recipe(pix_fmt="yuv422p10le", width=360, height=270, pixel_aspect=HDV),
    "raw.mov": Recipe(codec="rawvideo", pix_fmt="uyvy422", width=360, height=270, pixel_aspect=HDV),
    "turned_90.mp4": Recipe(width=270, height=360, pixel_aspect=HDV, rotation=90),
    "turned_180.mov": Recipe(width=360, height=270, pixel_aspect=HDV, rotation=180),
    "turned_270.mp4": Recipe(width=270, height=360, pixel_aspect=HDV, rotation=270),
}


@pytest.mark.parametrize("name", FORMATS)
def test_an_eye_is_as_open_as_it_was(tmp_path: Path, name: str) -> None:
    recipe = replace(FORMATS[name], frames=3)
    upright = 1 / recipe.pixel_aspect if recipe.rotation % 180 else recipe.pixel_aspect
    shown = eye(*square_size(recipe.width, recipe.height, upright, ""))
    stored = cv2.resize(shown, (recipe.width, recipe.height), interpolation=cv2.INTER_AREA)
    path = record(tmp_path / name, recipe, lambda *_: stored)

    index = read_index(path)
    pictures = decode_chunks(path, index, 1000)

    assert index.pixel_aspect == recipe.pixel_aspect
    assert (index.height, index.width) == shown.shape[:2]
    assert opening(shown) == pytest.approx(HALF_CLOSED, abs=0.02)
    for picture in pictures:
        assert picture.shape == shown.shape
        assert opening(picture) == pytest.approx(opening(shown), abs=0.003)


def test_square_pixels_are_left_as_they_are(tmp_path: Path) -> None:
    path = record(tmp_path / "square.mp4", Recipe(frames=3, pixel_aspect=Fraction(1)))
    index = read_index(path)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    plain = frame.reformat(format="bgr24", interpolation="BICUBIC").to_ndarray()
    assert index.pixel_aspect == 1
    assert np.array_equal(decode_chunks(path, index, 10)[0], plain)


def test_an_aspect_that_changes_on_the_way_is_refused(tmp_path: Path) -> None:
    recipe = Recipe(codec="mpeg2video", frames=30, pixel_aspect=HDV)
    wide = record(tmp_path / "wide.ts", recipe).read_bytes()
    square = record(tmp_path / "square.ts", replace(recipe, pixel_aspect=Fraction(1))).read_bytes()
    path = tmp_path / "both.ts"
    path.write_bytes(wide + square)
    with pytest.raises(VideoError, match="changes the aspect of its pixels on the way"):
        decode_chunks(path, read_index(path), 20)


def test_pixels_are_never_given_up() -> None:
    assert square_size(1440, 1080, Fraction(4, 3), "a") == (1920, 1080)
    assert square_size(720, 576, Fraction(64, 45), "a") == (1024, 576)
    assert square_size(720, 480, Fraction(8, 9), "a") == (720, 540)
    assert square_size(640, 480, Fraction(1), "a") == (640, 480)
    assert square_size(640, 480, Fraction(4), "a") == (2560, 480)


@pytest.mark.parametrize("aspect", [Fraction(401, 100), Fraction(24, 100), Fraction(1000)])
def test_an_absurd_aspect_is_refused(aspect: Fraction) -> None:
    with pytest.raises(VideoError, match=r"^a\.mp4: says that its pixels are .* times as wide"):
        square_size(640, 480, aspect, "a.mp4")


def test_a_picture_larger_than_any_video_is_refused() -> None:
    assert square_size(16_384, 16_384, Fraction(1), "a") == (16_384, 16_384)
    for size, aspect in (((16_385, 16), Fraction(1)), ((8200, 16), Fraction(2))):
        with pytest.raises(VideoError, match=r"^a: its pictures are 16\d+x16, larger than"):
            square_size(*size, aspect, "a")
