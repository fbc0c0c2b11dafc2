"""How recordings are divided among workers."""

import pytest

from tasks.ingest import even_chunk_frames
from workers.chunk.order import RESTARTS
from workers.video.segments.planning import plan_chunks


@pytest.mark.parametrize("frames", [20, 40, 60, 88, 120, 200, 288, 400])
def test_two_workers_that_take_chunk_after_chunk_end_within_one_stretch_of_tracking(frames: int):
    restarts = RESTARTS["star98"]
    spans = plan_chunks(
        [True] * frames, even_chunk_frames(frames), history=0, anchor=restarts.every
    )
    done = [0, 0]
    for span in spans:
        done[done.index(min(done))] += span.stop - span.start
    assert max(done) - min(done) <= restarts.every
