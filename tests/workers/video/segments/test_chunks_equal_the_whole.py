"""Cutting a recording and decoding the pieces gives what decoding the whole file gives."""

from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.decoded_chunks import Picture, decode_chunks, to_bgr
from tests.recordings import Recipe, hide_first_ticks, read_number, record
from workers.video.reading.index import read_index
from workers.video.segments.cutting import cut_segments
from workers.video.segments.decoding import decode_segment
from workers.video.segments.planning import plan_chunks

REORDERED = (("bf", "3"), ("b_strategy", "0"), ("g", "20"), ("sc_threshold", "0"))
OPEN_GROUPS = (("x264-params", "open-gop=1:keyint=12:bframes=3:b-adapt=0:scenecut=0"),)
INTRA_REFRESH = (("x264-params", "intra-refresh=1:keyint=15"),)
HEVC = (("x265-params", "log-level=0:keyint=20:open-gop=1"),)
UNEVEN = tuple(accumulate([20 + frame * 7 % 45 for frame in range(59)], initial=0))
# 5/90 of a millisecond apart, which Matroska rounds to the same millisecond
TWINS = tuple(90 * (UNEVEN[19] if frame == 20 else time) for frame, time in enumerate(UNEVEN))
TWINS = (*TWINS[:20], TWINS[20] + 5, *TWINS[21:])

RECIPES = {
    "one_key_frame.mp4": Recipe(),
    "reordered.mp4": Recipe(options=REORDERED),
    "reordered.avi": Recipe(options=REORDERED),
    "reordered.ts": Recipe(options=REORDERED),
    "open_groups.mp4": Recipe(options=OPEN_GROUPS),
    "open_groups.ts": Recipe(options=OPEN_GROUPS),
    "intra_refresh.mp4": Recipe(options=INTRA_REFRESH),
    "intra_refresh.ts": Recipe(options=INTRA_REFRESH),
    "uneven.mp4": Recipe(options=REORDERED, times=UNEVEN, time_base=Fraction(1, 1000)),
    "uneven.mkv": Recipe(options=REORDERED, times=UNEVEN, time_base=Fraction(1, 1000)),
    "equal_times.mkv": Recipe(options=REORDERED, times=TWINS, time_base=Fraction(1, 90_000)),
    "turned_90.mp4": Recipe(rotation=90),
    "turned_180.mov": Recipe(rotation=180, options=REORDERED),
    "turned_270.mp4": Recipe(rotation=270),
    "mpeg4.avi": Recipe(codec="mpeg4", options=(("g", "12"),)),
    "mpeg4_reordered.avi": Recipe(codec="mpeg4", options=(("g", "12"), ("bf", "2"))),
    "mpeg4_reordered.mp4": Recipe(codec="mpeg4", options=(("g", "12"), ("bf", "2"))),
    "odd_size.avi": Recipe(codec="mpeg4", width=131, height=97),
    "wmv2.wmv": Recipe(codec="wmv2", options=(("g", "15"),)),
    "hevc_10_bit.mp4": Recipe(codec="libx265", pix_fmt="yuv420p10le", options=HEVC),
    "h264_10_bit.mkv": Recipe(pix_fmt="yuv420p10le", options=REORDERED),
    "motion_jpeg.avi": Recipe(codec="mjpeg", pix_fmt="yuvj420p"),
    "bgr24.avi": Recipe(codec="rawvideo", pix_fmt="bgr24"),
    "yuy2.avi": Recipe(codec="rawvideo", pix_fmt="yuyv422"),
    "uyvy.avi": Recipe(codec="rawvideo", pix_fmt="uyvy422"),
    "i420.avi": Recipe(codec="rawvideo"),
    "grey.avi": Recipe(codec="rawvideo", pix_fmt="gray"),
    "rgb24.mov": Recipe(codec="rawvideo", pix_fmt="rgb24"),
    "utvideo.avi": Recipe(codec="utvideo"),
    "huffyuv.avi": Recipe(codec="huffyuv", pix_fmt="yuv422p"),
    "ffv1.mkv": Recipe(codec="ffv1", pix_fmt="yuv444p16le", options=(("g", "10"),)),
    "av1.mp4": Recipe(codec="libsvtav1", options=(("g", "20"), ("preset", "8"))),
    "vp9.webm": Recipe(codec="libvpx-vp9", options=(("g", "20"), ("cpu-used", "8"))),
    "palette.mov": Recipe(codec="qtrle", pix_fmt="gray", options=(("g", "10"),)),
    "prores_4444.mov": Recipe(codec="prores_ks", pix_fmt="yuva444p10le"),
    "prores.mov": Recipe(codec="prores_ks", pix_fmt="yuv422p10le"),
    "bt709.mp4": Recipe(colorspace=1, color_range=1),
    "full_range.mp4": Recipe(colorspace=5, color_range=2),
    "colours_in_the_container_only.mkv": Recipe(codec="mpeg4", colorspace=1, color_range=1),
}


def make(folder: Path, name: str) -> Path:
    recipe = RECIPES[name]
    if recipe.codec not in av.codec.codecs_available:
        pytest.skip(f"this FFmpeg has no encoder {recipe.codec}")
    return record(folder / name, recipe)


def decode_whole(path: Path, rotation: int) -> tuple[list[int | None], list[Picture]]:
    with av.open(str(path), options={"fflags": "+genpts"}) as container:
        frames = list(container.decode(container.streams.video[0]))
        pictures = [np.rot90(to_bgr(f), -(rotation // 90)) for f in frames]
    return [frame.pts for frame in frames], pictures


@pytest.mark.parametrize("name", RECIPES)
def test_chunks_show_each_frame_once_and_in_order_with_the_pixels_of_the_whole_file(
    tmp_path: Path, name: str
) -> None:
    path = make(tmp_path, name)
    index = read_index(path)
    pts, whole = decode_whole(path, index.rotation)

    assert list(index.pts) == sorted(pts)  # the AVI's guessed times do not rise by themselves
    for chunk_frames in (1, 7, 25, 1000):
        pictures = decode_chunks(path, index, chunk_frames)
        assert [read_number(picture) for picture in pictures] == list(range(60))
        for picture, expected in zip(pictures, whole, strict=True):
            assert picture.shape == (index.height, index.width, 3)
            assert np.array_equal(picture, expected)


@pytest.mark.parametrize(
    "name", ["turned_90.mp4", "turned_180.mov", "turned_270.mp4", "uneven.mp4", "odd_size.avi"]
)
def test_pictures_equal_those_of_opencv(tmp_path: Path, name: str) -> None:
    path = make(tmp_path, name)
    capture = cv2.VideoCapture(str(path))
    for picture in decode_chunks(path, read_index(path), 25):
        assert np.array_equal(picture, capture.read()[1])
    capture.release()


def test_flipping_mirrors_the_upright_picture(tmp_path: Path) -> None:
    path = make(tmp_path, "turned_90.mp4")
    index = read_index(path)
    spans = plan_chunks(index.key_frames, 100, history=4, anchor=10)
    data = next(cut_segments(path, index, spans))
    plain = decode_segment(data, index.pts, index.rotation)
    for picture, flipped in zip(
        plain, decode_segment(data, index.pts, index.rotation, flip=True), strict=True
    ):
        assert np.array_equal(flipped, picture[:, ::-1])
        assert flipped.flags.c_contiguous


def test_frames_hidden_by_an_edit_list_are_decoded_from_but_not_listed(tmp_path: Path) -> None:
    path = record(tmp_path / "trimmed.mp4", Recipe(options=(("bf", "0"), ("g", "12"))))
    hide_first_ticks(path, 17 * 512)

    index = read_index(path)

    assert index.frame_count == 43
    assert index.pts[0] == 0
    assert not index.key_frames[0]
    assert index.missing_frames == 0
    for chunk_frames in (7, 25):
        numbers = [read_number(p) for p in decode_chunks(path, index, chunk_frames)]
        assert numbers == list(range(17, 60))


def test_an_edit_list_that_starts_among_reordered_frames_loses_none(tmp_path: Path) -> None:
    path = record(tmp_path / "trimmed.mp4", Recipe(options=REORDERED))
    hide_first_ticks(path, 7 * 512)
    numbers = [read_number(p) for p in decode_chunks(path, read_index(path), 15)]
    assert numbers == list(range(7, 60))


def test_segments_hold_little_more_than_their_own_part_of_the_file(tmp_path: Path) -> None:
    recipe = Recipe(frames=600, options=(("bf", "3"), ("g", "10"), ("sc_threshold", "0")))
    path = record(tmp_path / "long.mp4", recipe)
    index = read_index(path)
    spans = plan_chunks(index.key_frames, 50, history=4, anchor=10)
    sizes = [len(data) for data in cut_segments(path, index, spans)]
    assert len(sizes) == 12
    assert sum(sizes) < 1.4 * path.stat().st_size
