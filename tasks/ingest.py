"""Ingest: list a recording's frames, cut it into chunks on Redis, and start their chord.

Runs where the recordings are. It may run again after a crash: what it stores is the same, chunks
already analysed are not analysed again, and assembling twice is safe.
"""

import math
from collections.abc import Iterator

import redis
from celery import chord
from celery.utils.log import get_task_logger

from tasks.analyze import STARTS, analyze, time_limit
from tasks.assemble import abandon, assemble
from tasks.messages import RecordingOrder, RecordingOutcome, RecordingPlan
from tasks.store import RecordingStore
from workers.app import app
from workers.broker import redis_client
from workers.chunk_order import ChunkOrder

logger = get_task_logger(__name__)


@app.task(  # type: ignore[untyped-decorator]
    name="ingest",
    autoretry_for=(redis.ConnectionError, redis.TimeoutError),
    retry_backoff=True,
    max_retries=8,
)
def ingest(recording: str) -> str:
    """Cut one recording and send its chunks on their way; returns its id."""
    store = RecordingStore(redis_client(app.conf.broker_url), recording)
    order = store.order()
    if order is None:
        return recording
    if store.count_start("ingest") > STARTS:
        reason = f"reading it killed its worker {STARTS} times: export it again as H.264"
        store.finish(RecordingOutcome(status="failed", reason=reason))
        return recording
    try:
        plan = _cut(order, store)
        _dispatch(plan)
    except (redis.ConnectionError, redis.TimeoutError):
        store.uncount_start("ingest")
        raise
    except Exception as error:
        logger.exception("%s", order.name)
        reason = str(error) or type(error).__name__
        store.finish(RecordingOutcome(status="failed", reason=reason))
        return recording
    logger.info("%s: %d frames in %d chunks", order.name, plan.frames, len(plan.chunks))
    return recording


def _cut(order: RecordingOrder, store: RecordingStore) -> RecordingPlan:
    from workers.face.smoothing import HISTORY
    from workers.face.tracking import ANCHOR
    from workers.video.cutting import cut_segments, plan_chunks
    from workers.video.index import read_index

    index = read_index(order.source)
    about = even_chunk_frames(index.frame_count, order.settings.chunk_frames, order.spread)
    spans = plan_chunks(index.key_frames, about, history=HISTORY, anchor=ANCHOR)
    for k, (span, segment) in enumerate(
        zip(spans, cut_segments(order.source, index, spans), strict=True)
    ):
        chunk = ChunkOrder(
            recording=order.name,
            start=span.start,
            stop=span.stop,
            first=span.first,
            pts=index.pts[span.first : span.stop],
            numerator=index.time_base.numerator,
            denominator=index.time_base.denominator,
            width=index.width,
            height=index.height,
            rotation=index.rotation,
            settings=order.settings.analysis,
        )
        store.put_chunk(k, chunk, segment)
    plan = RecordingPlan(
        order=order,
        frames=index.frame_count,
        missing=index.missing_frames,
        cut_short=index.broken_off,
        start_pts=index.pts[0],
        numerator=index.time_base.numerator,
        denominator=index.time_base.denominator,
        width=index.width,
        height=index.height,
        rotation=index.rotation,
        chunks=tuple((span.start, span.stop) for span in spans),
    )
    store.put_plan(plan)
    return plan


def even_chunk_frames(frames: int, most: int, spread: int) -> int:
    """How many frames a chunk is to have, so that `spread` workers finish at about the same time.

    At most about `most`; the number of chunks is rounded up to a multiple of `spread`. The numbers
    do not depend on it.
    """
    chunks = math.ceil(math.ceil(frames / most) / spread) * spread
    return max(1, math.ceil(frames / chunks))


def _dispatch(plan: RecordingPlan) -> None:
    order = plan.order
    body = assemble.si(order.id).set(queue=order.files_queue, argsrepr=f"({order.name})")
    body.link_error(abandon.si(order.id).set(queue=order.files_queue))
    chord(list(_header(plan)), body).apply_async()


def _header(plan: RecordingPlan) -> Iterator[object]:
    """One task a chunk, flat: Redis counts a flat header and keeps its order."""
    order = plan.order
    for k, (start, stop) in enumerate(plan.chunks):
        limit = time_limit(stop - start)
        yield analyze.si(order.id, k).set(
            queue=order.analyze_queue,
            soft_time_limit=limit,
            time_limit=limit + 60,
            argsrepr=f"({order.name} frames {start}-{stop - 1})",
        )
