"""The bytes of a chunk's numbers."""

from dataclasses import replace

import numpy as np
import pytest

from tests.chunk_rows import row, rows_of
from workers.aus.occurrence_scores import OccurrenceScores
from workers.chunk.rows import ChunkRows, ChunkRowsBuilder, face_jumps


def test_bytes_come_back_as_the_same_arrays_and_are_the_same_each_time():
    rows = rows_of(row(), None, row(0.75))
    back = ChunkRows.from_bytes(rows.to_bytes())
    np.testing.assert_array_equal(back.success, [True, False, True])
    np.testing.assert_array_equal(back.aus.head_scores, rows.aus.head_scores)
    assert rows.to_bytes() == back.to_bytes()


def test_a_chunk_with_a_frame_too_few_is_refused():
    builder = ChunkRowsBuilder(2, 68, OccurrenceScores.of_no_face())
    builder.add(row(), decoded=True, faces=1)
    with pytest.raises(ValueError, match="1 frames were added to a chunk of 2"):
        builder.finish()


def test_a_face_that_is_suddenly_elsewhere_is_counted():
    near, far = row(x=0), row(x=200)
    assert face_jumps(rows_of(near, near, far, far, near).boxes) == 2
    assert face_jumps(rows_of(near, None, far).boxes) == 0


def test_irises_are_kept_and_are_nan_where_there_are_none():
    rings = np.arange(32.0).reshape(2, 8, 2)
    rows = rows_of(replace(row(), irises=rings), row(), None)
    kept = ChunkRows.from_bytes(rows.to_bytes()).irises
    assert kept.dtype == np.float32
    np.testing.assert_array_equal(kept[0], rings)
    assert np.isnan(kept[1:]).all()
