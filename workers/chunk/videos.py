"""The videos that a chunk gives: the two mirrored ones and, on request, one to check the work."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Literal, Self

import numpy as np

from workers.arrays import Image
from workers.chunk.analysed_frame import AnalysedFrame
from workers.chunk.order import ChunkOrder, VideoName
from workers.chunk.overlap import InBackground, depth_for
from workers.chunk.stage_timer import StageTimer
from workers.face.drawing import draw_debug
from workers.video.writing.encoders import CODECS, Encoder
from workers.video.writing.encoding import SegmentEncoder

DEBUG: Literal["debug"] = "debug"


class ChunkVideos:
    """Encodes the videos of a chunk, each in its own thread. Use as a context manager."""

    def __init__(self, order: ChunkOrder, timer: StageTimer, encoder: Encoder) -> None:
        self._size = (order.height, order.width)
        self._depth = depth_for(order.picture_bytes * max(1, len(order.settings.videos)))
        self._timer = timer
        self._encoders = {
            name: SegmentEncoder(order.width, order.height, order.time_base, CODECS[encoder])
            for name in order.settings.videos
        }
        self._threads = ExitStack()

    def __enter__(self) -> Self:
        self._writers = {
            name: self._threads.enter_context(InBackground(self._writing_to(encoder), self._depth))
            for name, encoder in self._encoders.items()
        }
        return self

    def __exit__(self, *error: object) -> None:
        self._threads.__exit__(*error)  # type: ignore[arg-type]

    def write(self, frame: AnalysedFrame, pts: int) -> None:
        """Add a frame. One without a face is black in the mirrored videos: nothing was mirrored."""
        for name, writer in self._writers.items():
            writer.put((self._picture(name, frame), pts))

    def finish(self) -> dict[VideoName, bytes]:
        """The compressed videos by name: left, right, debug."""
        self._threads.close()
        with self._timer.stage("encode"):
            return {name: encoder.finish() for name, encoder in self._encoders.items()}

    def _picture(self, name: VideoName, frame: AnalysedFrame) -> Image:
        found = frame.found
        if name == DEBUG and frame.picture is not None:
            shown = frame.picture
            return (
                shown if found is None else draw_debug(shown, found.points, found.line, found.pose)
            )
        if name == DEBUG or found is None:
            return np.zeros((*self._size, 3), dtype=np.uint8)
        return found.mirrored[name]

    def _writing_to(self, encoder: SegmentEncoder) -> Callable[[tuple[Image, int]], None]:
        def write(item: tuple[Image, int]) -> None:
            with self._timer.stage("encode"):
                encoder.write(*item)

        return write
