"""Feed: put some parts of a recording on Redis, and start the chord of each.

Runs where the recordings are, when there is room for them (tasks.admission). It may
run again after a crash: what it stores is the same, and chunks already analysed are not analysed
again.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from celery import chord
from celery.utils.log import get_task_logger

from tasks.analyze import analyze, frames_shown, time_limit
from tasks.assemble import assemble
from tasks.failure import RecordingError, fail, stop_if_told
from tasks.ingest import frame_result_bytes
from tasks.messages import RecordingOrder, RecordingPlan
from tasks.register import files_of
from tasks.store import RecordingStore
from workers.chunk.order import ChunkOrder
from workers.process.app import app
from workers.process.broker import shared_client
from workers.process.queues import ANYBODY, ORDINARY, URGENT, chunk_queue, fingerprint

if TYPE_CHECKING:
    from workers.video.reading.index import VideoIndex

logger = get_task_logger(__name__)

WAIT_SECONDS = 1
OPEN_RECORDINGS = 4


@app.task(  # type: ignore[untyped-decorator]
    name="feed",
    bind=True,
    autoretry_for=(redis.ConnectionError, redis.TimeoutError),
    throws=(RecordingError,),
    retry_backoff=True,
    max_retries=None,
)
def feed(self, recording: str, first: int, stop: int) -> str:  # type: ignore[no-untyped-def]
    """Send parts [first, stop) of a recording on their way; returns which. Raises RecordingError.

    They go in order: parts before them that others are sending are waited for.
    """
    store = RecordingStore(shared_client(app.conf.broker_url), recording)
    plan = store.plan()
    fed = store.fed()
    if plan is None or store.outcome() is not None or fed >= stop:
        return "nothing to do"
    if fed < first:
        raise self.retry(countdown=WAIT_SECONDS)
    try:
        for part in range(fed, stop):
            _store_chunks(plan, store, part)
            send_part(plan, part, store.claimed())
            store.put_fed(part + 1)
    except redis.RedisError:
        raise
    except Exception as error:
        stop_if_told(error)
        logger.info("%s cannot be cut", plan.order.label, exc_info=plan.order.files is not None)
        failure = fail(store, plan.order, str(error) or type(error).__name__)
    else:
        return f"{plan.order.label} {_frames_of(plan, fed, stop)}"
    raise failure


def send_part(plan: RecordingPlan, part: int, claimed: str | None) -> None:
    """Start the chord of a part: its chunks, then assemble. claimed: who must analyse it.

    A chord that breaks, as when a chunk is stopped at its hard time limit or while Redis restarts,
    is sent again by the dispatcher; chunks that keep breaking it fail by their count of starts.
    """
    order = plan.order
    body = assemble.si(order.id, part).set(
        queue=order.files_queue,
        priority=URGENT,
        argsrepr=f"{order.label} {_frames_of(plan, part, part + 1)}",
        kwargsrepr="",
    )
    chord(list(_header(plan, part, recording_queue(order, claimed))), body).apply_async()


def recording_queue(order: RecordingOrder, claimed: str | None) -> str:
    """The queue that a recording's chunks go to. claimed: an arithmetic, once one was begun."""
    who = order.provider or ANYBODY if claimed is None or order.mix_providers else claimed
    return chunk_queue(order.pool, order_fingerprint(order), who)


def order_fingerprint(order: RecordingOrder) -> str:
    """The fingerprint of the models that an order wants."""
    return fingerprint(order.models, order.precision)


def _frames_of(plan: RecordingPlan, first_part: int, stop_part: int) -> str:
    first, last = plan.parts[first_part][0], plan.parts[stop_part - 1][1]
    return frames_shown(plan.chunks[first].start, plan.chunks[last - 1].stop)


def _header(plan: RecordingPlan, part: int, queue: str) -> Iterator[object]:
    """One task a chunk, flat: Redis counts a flat header and keeps its order."""
    order = plan.order
    for k in range(*plan.parts[part]):
        chunk = plan.chunks[k]
        limit = time_limit(chunk.frames)
        yield analyze.si(order.id, k).set(
            queue=queue,
            priority=URGENT if order.priority == "high" else ORDINARY,
            soft_time_limit=limit,
            time_limit=limit + 60,
            argsrepr=f"{order.label} {frames_shown(chunk.start, chunk.stop)}",
            kwargsrepr="",
        )


def _store_chunks(plan: RecordingPlan, store: RecordingStore, part: int) -> None:
    order = plan.order
    source = Path(files_of(order).source)
    status = source.stat()
    recording = _opened(plan, source, status.st_size, status.st_mtime_ns)
    results = store.progress().frame_result_bytes or frame_result_bytes(plan.width, plan.height)
    first, last = plan.parts[part]
    done = store.with_result(range(first, last))
    for k, segment in zip(range(first, last), recording.segments(first, last), strict=True):
        if k in done:
            continue
        planned = plan.chunks[k]
        chunk = ChunkOrder(
            recording=order.label,
            start=planned.start,
            stop=planned.stop,
            first=planned.first,
            pts=recording.index.pts[planned.first : planned.until],
            numerator=plan.numerator,
            denominator=plan.denominator,
            width=plan.width,
            height=plan.height,
            rotation=plan.rotation,
            settings=order.settings.analysis,
        )
        store.put_chunk(k, chunk, segment, round(results * planned.frames))


class _OpenRecording:
    """A recording that is read part by part, from where the last one ended."""

    def __init__(self, plan: RecordingPlan, source: Path, index: "VideoIndex") -> None:
        self.index = index
        self._source = source
        self._spans = [chunk.span for chunk in plan.chunks]
        self._next = 0
        self._segments: Iterator[bytes] = iter(())

    def segments(self, first: int, last: int) -> Iterator[bytes]:
        """The compressed frames of chunks [first, last)."""
        from workers.video.segments.cutting import cut_segments

        if first == 0 or first != self._next:
            self._segments = cut_segments(self._source, self.index, self._spans[first:])
        self._next = -1
        for k in range(first, last):
            segment = next(self._segments)
            self._next = k + 1
            yield segment


@lru_cache(maxsize=OPEN_RECORDINGS)
def _opened(plan: RecordingPlan, source: Path, _size: int, _changed: int) -> _OpenRecording:
    from workers.video import VideoError
    from workers.video.reading.index import read_index

    index = read_index(source)
    if index.frame_count != plan.frames:
        raise VideoError(f"{source.name}: has changed since its frames were listed")
    return _OpenRecording(plan, source, index)
