"""Single frames: what is made of them, and which are refused."""

import numpy as np
import pytest
from av.video.frame import VideoFrame

from tests.recordings import draw
from workers.video import VideoError
from workers.video.pictures.colour import Colour
from workers.video.pictures.picture import FrameFormat, upright_picture

BT709_MATRIX, BT601_MATRIX, LIMITED, FULL = 1, 5, 1, 2
TOP_FIRST = 2


def form(width: int = 128, height: int = 96, **more: object) -> FrameFormat:
    sizes = {"width": width, "height": height, "square_width": width, "square_height": height}
    return FrameFormat(**{**sizes, "colour": Colour(), **more})


def plain(pix_fmt: str, matrix: int, value_range: int) -> VideoFrame:
    """One strong colour, in some pixel format."""
    picture = np.full((96, 128, 3), (60, 90, 200), np.uint8)
    frame = VideoFrame.from_ndarray(picture, format="bgr24").reformat(
        format=pix_fmt, dst_colorspace=matrix, dst_color_range=value_range
    )
    frame.colorspace, frame.color_range = matrix, value_range
    return frame


@pytest.mark.parametrize("square_width", [128, 171])
@pytest.mark.parametrize("declared", [0, TOP_FIRST])
@pytest.mark.parametrize("tags", [(BT709_MATRIX, LIMITED), (BT601_MATRIX, FULL)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "uyvy422", "nv12", "p010le", "yuv422p10le"])
def test_colours_stay_what_they_are_deinterlaced_scaled_or_neither(
    pix_fmt: str, tags: tuple[int, int], declared: int, square_width: int
) -> None:
    frame = plain(pix_fmt, *tags)
    changed = form(square_width=square_width, declared_field_order=declared)
    picture = upright_picture(frame, changed)
    assert picture.shape == (96, square_width, 3)
    assert np.abs(picture.astype(int) - (60, 90, 200)).max() <= 4


def test_a_picture_is_turned_and_then_flipped() -> None:
    frame = VideoFrame.from_ndarray(draw(5), format="bgr24")
    turned = upright_picture(frame, form(), rotation=90, flip=True)
    assert np.array_equal(turned, np.rot90(draw(5), -1)[:, ::-1])
    assert turned.flags.c_contiguous


def test_a_pixel_format_that_cannot_be_converted_is_named() -> None:
    with pytest.raises(VideoError, match=r"^pictures in the pixel format rgb4 cannot be converted"):
        upright_picture(VideoFrame(128, 96, "rgb4"), form())


def test_another_size_than_the_first_is_refused() -> None:
    with pytest.raises(VideoError, match="changes its picture size from 128x96 to 64x96"):
        upright_picture(VideoFrame(64, 96, "yuv420p"), form())
