"""Rows of chunks, made up."""

import numpy as np

from workers.aus.occurrence_scores import OccurrenceScores
from workers.chunk.rows import ChunkRows, ChunkRowsBuilder, FrameRow


def row(score=0.25, x=0.0, au45=(0.0, 5.0)):
    return FrameRow(
        confidence=0.9,
        box=np.array([x, 0.0, x + 10, 10.0]),
        points=np.full((68, 2), 3.0),
        pose=np.array([4.0, -5.0, 6.0]),
        aus=OccurrenceScores(
            head_scores=np.stack([[np.full(8, score), np.full(8, 1 - score)]]).astype(np.float32),
            au45=np.array([au45], dtype=np.float32),
        ),
    )


def rows_of(*frames) -> ChunkRows:
    builder = ChunkRowsBuilder(len(frames), 68, OccurrenceScores.of_no_face())
    for frame in frames:
        builder.add(frame, decoded=True, faces=None)
    return builder.finish()
