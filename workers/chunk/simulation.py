"""A session that measures nothing: for measuring the queue, and what a lab's machines can carry.

It takes a given time for each frame. What it gives are rows without a face and small black videos,
or what a real session once gave of some other chunk. It is never chosen by itself; run.json says
SIMULATED.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from workers.aus.au_arrays import AuArrays
from workers.aus.occurrence_scores import OccurrenceScores
from workers.aus.openface2.evidence import ChunkEvidence
from workers.chunk.analysis import ChunkAnalysis
from workers.chunk.example import ChunkExample, at_the_times_of
from workers.chunk.order import AnalysisSettings, ChunkOrder
from workers.chunk.rows import ChunkRows, ChunkRowsBuilder
from workers.face.scheme import SCHEMES
from workers.video.writing.encoded_segment import EncodedSegment
from workers.video.writing.encoding import SegmentEncoder

PICTURE = 16
"""Pixels across and down of a simulated video."""

SLICE_SECONDS = 0.5
"""How often a simulated session wakes to say how far it is."""


def simulate_chunk(
    order: ChunkOrder,
    seconds_a_frame: float,
    on_frame: Callable[[int], None],
    example: Path | None = None,
) -> ChunkAnalysis:
    """What an analysis gives of a chunk without a face, after as long as it would take.

    example: a file of ChunkExample, to give that instead. Raises OSError where it is not there.
    """
    begun = time.monotonic()
    for done in range(1, order.frames + 1):
        left = begun + done * seconds_a_frame - time.monotonic()
        if left > SLICE_SECONDS or done == order.frames:
            time.sleep(max(0.0, left))
            on_frame(done)
    seconds = {"simulation": seconds_a_frame * order.frames}
    if example is not None:
        given = ChunkExample.read(example)
        return ChunkAnalysis(given.rows_of(order), given.videos_of(order), seconds, {})
    black = at_the_times_of(order, _black(order.frames))
    return ChunkAnalysis(_nobody(order), dict.fromkeys(order.settings.videos, black), seconds, {})


def _nobody(order: ChunkOrder) -> ChunkRows:
    points = SCHEMES[order.settings.landmarks].count
    rows = ChunkRowsBuilder(order.frames, points, _of_no_face(order.settings))
    for _ in range(order.frames):
        rows.add(None, decoded=True, faces=None)
    return rows.finish()


def _of_no_face(settings: AnalysisSettings) -> AuArrays:
    if settings.aus == "openface3":
        return OccurrenceScores.of_no_face()
    return ChunkEvidence.of_no_face(2 if settings.faces == "mirrored" else 1, 0, 0)


@lru_cache(maxsize=64)
def _black(frames: int) -> EncodedSegment:
    encoder = SegmentEncoder(PICTURE, PICTURE, Fraction(1, 30))
    for pts in range(frames):
        encoder.write(np.zeros((PICTURE, PICTURE, 3), np.uint8), pts)
    return EncodedSegment.from_bytes(encoder.finish())
