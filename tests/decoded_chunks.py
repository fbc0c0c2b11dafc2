"""A recording read as the pipeline reads it: listed, cut into chunks, and each chunk decoded."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from tests.recordings import read_number
from workers.video.reading.index import VideoIndex, read_index
from workers.video.segments.cutting import cut_segments
from workers.video.segments.decoding import decode_segment
from workers.video.segments.planning import plan_chunks

Picture = NDArray[np.uint8]


def decode_chunks(
    path: Path,
    index: VideoIndex,
    chunk_frames: int,
    on_woven: Callable[[int], None] = lambda _: None,
) -> list[Picture | None]:
    """The picture of every frame; frames that two chunks decode must be equal."""
    spans = plan_chunks(index.key_frames, chunk_frames, history=4, anchor=10)
    pictures: list[Picture | None] = []
    for span, data in zip(spans, cut_segments(path, index, spans), strict=True):
        pts = index.pts[span.first : span.stop]
        decoded = list(decode_segment(data, pts, index.rotation, on_woven=on_woven))
        assert len(decoded) == span.stop - span.first
        for earlier, again in zip(pictures[span.first :], decoded, strict=False):
            assert (earlier is None) == (again is None)
            assert earlier is None or np.array_equal(earlier, again)
        pictures += decoded[span.start - span.first :]
    return pictures


def numbers_shown(path: Path, chunk_frames: int) -> list[int | None]:
    """The number that stands in each frame; None for one without a picture."""
    pictures = decode_chunks(path, read_index(path), chunk_frames)
    return [None if picture is None else read_number(picture) for picture in pictures]


def to_bgr(frame: VideoFrame) -> Picture:
    return frame.reformat(format="bgr24", interpolation=Interpolation.BICUBIC).to_ndarray()
