"""A session that measures nothing: for measuring the queue, and what a lab's machines can carry.

It takes a given time for each frame and gives rows without a face and small black videos. It is
never chosen by itself; run.json says SIMULATED.
"""

import time
from collections.abc import Callable

import numpy as np

from workers.analysis import HEAD_SCORES, ChunkAnalysis
from workers.chunk_order import ChunkOrder, VideoName
from workers.chunk_rows import ChunkRowsBuilder
from workers.face.mirroring import SIDES
from workers.face.scheme import SCHEMES
from workers.video.encoding import SegmentEncoder

PICTURE = 16
"""Pixels across and down of a simulated video."""


def simulate_chunk(
    order: ChunkOrder, seconds_a_frame: float, on_frame: Callable[[int], None]
) -> ChunkAnalysis:
    """What an analysis gives of a chunk without a face, after as long as it would take."""
    points = SCHEMES[order.settings.landmarks].count
    rows = ChunkRowsBuilder(order.frames, points, HEAD_SCORES)
    for done in range(1, order.frames + 1):
        time.sleep(seconds_a_frame)
        rows.add(None, decoded=True, faces=None)
        on_frame(done)
    video = _black(order)
    names: list[VideoName] = [*SIDES, *(["debug"] if order.settings.debug_video else [])]  # type: ignore[list-item]
    seconds = {"simulation": seconds_a_frame * order.frames}
    return ChunkAnalysis(rows.finish(), dict.fromkeys(names, video), seconds)


def _black(order: ChunkOrder) -> bytes:
    encoder = SegmentEncoder(PICTURE, PICTURE, order.time_base)
    picture = np.zeros((PICTURE, PICTURE, 3), np.uint8)
    for pts in order.pts[order.start - order.first :]:
        encoder.write(picture, pts)
    return encoder.finish()
