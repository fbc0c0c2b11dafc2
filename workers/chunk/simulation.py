"""A session that measures nothing: for measuring the queue, and what a lab's machines can carry.

It takes a given time for each frame and gives rows without a face and small black videos. It is
never chosen by itself; run.json says SIMULATED.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import msgspec
import numpy as np

from workers.aus.au_arrays import AuArrays
from workers.aus.occurrence_scores import OccurrenceScores
from workers.aus.openface2.evidence import ChunkEvidence
from workers.chunk.analysis import ChunkAnalysis
from workers.chunk.order import AnalysisSettings, ChunkOrder
from workers.chunk.rows import ChunkRowsBuilder
from workers.face.scheme import SCHEMES
from workers.video.writing.encoded_segment import EncodedSegment
from workers.video.writing.encoding import SegmentEncoder

PICTURE = 16
"""Pixels across and down of a simulated video."""

SLICE_SECONDS = 0.2
"""How often a simulated session wakes to say how far it is."""


def simulate_chunk(
    order: ChunkOrder, seconds_a_frame: float, on_frame: Callable[[int], None]
) -> ChunkAnalysis:
    """What an analysis gives of a chunk without a face, after as long as it would take."""
    points = SCHEMES[order.settings.landmarks].count
    rows = ChunkRowsBuilder(order.frames, points, _of_no_face(order.settings))
    begun = time.monotonic()
    for done in range(1, order.frames + 1):
        rows.add(None, decoded=True, faces=None)
        left = begun + done * seconds_a_frame - time.monotonic()
        if left > SLICE_SECONDS or done == order.frames:
            time.sleep(max(0.0, left))
            on_frame(done)
    video = _black(order)
    seconds = {"simulation": seconds_a_frame * order.frames}
    return ChunkAnalysis(rows.finish(), dict.fromkeys(order.settings.videos, video), seconds, {})


def _of_no_face(settings: AnalysisSettings) -> AuArrays:
    if settings.aus == "openface3":
        return OccurrenceScores.of_no_face()
    return ChunkEvidence.of_no_face(2 if settings.faces == "mirrored" else 1, 0, 0)


def _black(order: ChunkOrder) -> bytes:
    segment = EncodedSegment.from_bytes(_encoded(order.frames))
    pts = order.pts[order.start - order.first :]
    ticks = {"numerator": order.numerator, "denominator": order.denominator}
    return msgspec.structs.replace(segment, pts=pts, **ticks).to_bytes()


@lru_cache(maxsize=64)
def _encoded(frames: int) -> bytes:
    encoder = SegmentEncoder(PICTURE, PICTURE, Fraction(1, 30))
    for pts in range(frames):
        encoder.write(np.zeros((PICTURE, PICTURE, 3), np.uint8), pts)
    return encoder.finish()
