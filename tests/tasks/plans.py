"""Plans of recordings that nobody filmed."""

from tasks.messages import PlannedChunk, RecordingOrder, RecordingPlan

TWO_CHUNKS = (PlannedChunk(0, 10, 0, 0, 10, 5), PlannedChunk(10, 20, 10, 10, 20, 5))


def plan_of(
    order: RecordingOrder,
    chunks: tuple[PlannedChunk, ...] = TWO_CHUNKS,
    sha256: str = "0" * 64,
) -> RecordingPlan:
    """A recording of 64×48 px and 30 frames a second, all of whose chunks are one part."""
    return RecordingPlan(
        order=order,
        sha256=sha256,
        frames=chunks[-1].stop,
        missing=0,
        cut_short=False,
        start_pts=0,
        numerator=1,
        denominator=30,
        width=64,
        height=48,
        rotation=0,
        chunks=chunks,
        parts=((0, len(chunks)),),
    )
