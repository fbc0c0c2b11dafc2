"""Ingest: list a recording's frames and plan how it is cut, unless its outputs are there already.

Runs where the recordings are. It may run again after a crash: it plans the same.
"""

import math
from typing import TYPE_CHECKING

import redis
from celery.utils.log import get_task_logger

from tasks.admission import PARTS_IN_BUDGET, group_chunks
from tasks.failure import RecordingError, fail, stop_if_told
from tasks.messages import PlannedChunk, RecordingFormat, RecordingOrder, RecordingPlan
from tasks.register import files_of
from tasks.starts import INGEST, ForgivingRequest, forgive, process_name, tell_redis
from tasks.store import RecordingStore
from weights.manifest import sha256_of
from workers.chunk.order import RESTARTS
from workers.process.app import app
from workers.process.broker import shared_client

if TYPE_CHECKING:
    from workers.video.reading.index import VideoIndex

logger = get_task_logger(__name__)

STARTS = 3
"""A recording that killed its worker this often is not read again."""

FEWEST_FRAMES = 10
"""A chunk is not made smaller than this, however small the budget or the recording."""

MOST_FRAMES, EVEN_CHUNKS = 100, 4

RESULT_BITS_PER_PIXEL = 0.4
"""Of both mirrored videos together, until the first chunk has shown what it takes."""


@app.task(  # type: ignore[untyped-decorator]
    name="ingest",
    Request=ForgivingRequest,
    autoretry_for=(redis.ConnectionError, redis.TimeoutError),
    throws=(RecordingError,),
    retry_backoff=True,
    max_retries=8,
)
def ingest(recording: str) -> str:
    """Plan one recording; returns what was found. Raises RecordingError."""
    tell_redis()
    store = RecordingStore(shared_client(app.conf.broker_url), recording)
    order = store.order()
    if order is None or store.plan() is not None:
        return "nothing to do"
    if store.count_start(INGEST, process_name()) > STARTS:
        reason = f"reading it killed its worker {STARTS} times: export it again as H.264"
        raise fail(store, order, reason)
    try:
        said = _ingest(order, store)
    except (redis.ConnectionError, redis.TimeoutError):
        forgive(recording, INGEST)
        raise
    except Exception as error:
        stop_if_told(error)
        logger.info("%s cannot be read", order.label, exc_info=order.files is not None)
        failure = fail(store, order, str(error) or type(error).__name__)
    else:
        logger.info("%s: %s", order.label, said)
        return f"{order.label}: {said}"
    raise failure


def _ingest(order: RecordingOrder, store: RecordingStore) -> str:
    from tasks.outputs.finished import finished_before
    from workers.video.reading.index import read_index
    from workers.video.segments.probe import check_cut

    files = files_of(order)
    index = read_index(files.source)  # first: it says best what is wrong with a file
    checksum = sha256_of(files.source)
    before = None if order.anew else finished_before(order, files, checksum)
    if before is not None:
        store.finish(before)
        return "its outputs are there already"
    plan = plan_recording(order, index, checksum, app.conf.facemirror.redis_budget)
    check_cut(files.source, index, [chunk.span for chunk in plan.chunks])
    store.put_plan(plan)
    return f"{plan.frames} frames in {len(plan.chunks)} chunks"


def plan_recording(
    order: RecordingOrder, index: "VideoIndex", sha256: str, budget: int
) -> RecordingPlan:
    """How a recording is cut. budget: bytes that all recordings together may hold on Redis."""
    from workers.video.segments.cutting import segment_bytes
    from workers.video.segments.planning import plan_chunks

    results = frame_result_bytes(index.width, index.height)
    frame_bytes = sum(index.packet_bytes) / index.frame_count + results
    affordable = max(FEWEST_FRAMES, int(budget / PARTS_IN_BUDGET / frame_bytes))
    about = min(order.settings.chunk_frames or even_chunk_frames(index.frame_count), affordable)
    analysis = order.settings.analysis
    restarts = RESTARTS[analysis.landmarks]
    spans = plan_chunks(
        index.key_frames,
        about,
        history=analysis.lookback,
        anchor=restarts.every,
        warm_up=restarts.warm_up,
        to_next_anchor=analysis.fast,
    )
    chunks = tuple(
        PlannedChunk(span.start, span.stop, span.first, span.decode_from, span.until, size)
        for span, size in zip(spans, segment_bytes(index, spans), strict=True)
    )
    sizes = [chunk.segment_bytes + round(chunk.frames * results) for chunk in chunks]
    return RecordingPlan(
        order=order,
        sha256=sha256,
        frames=index.frame_count,
        missing=index.missing_frames,
        cut_short=index.broken_off,
        start_pts=index.pts[0],
        numerator=index.time_base.numerator,
        denominator=index.time_base.denominator,
        width=index.width,
        height=index.height,
        rotation=index.rotation,
        format=recording_format(index),
        chunks=chunks,
        parts=group_chunks(sizes, budget),
    )


def recording_format(index: "VideoIndex") -> RecordingFormat:
    """What run.json says of what was recorded."""
    colour = index.form.colour
    return RecordingFormat(
        codec=index.codec.name,
        pixel_format=index.pixel_format,
        pixel_aspect=str(index.pixel_aspect),
        transfer=colour.transfer,
        primaries=colour.primaries,
        hdr_peak=None if colour.transfer == "sdr" else colour.peak,
        times_sorted=index.times_sorted,
        times_filled=index.times_filled,
    )


def even_chunk_frames(frames: int) -> int:
    """How many frames a chunk has, about, in a recording of so many.

    At most MOST_FRAMES, and such that two or four workers end at the same time. It depends on the
    recording alone: borders show in the bytes of the videos, though not in any number.
    """
    chunks = math.ceil(math.ceil(frames / MOST_FRAMES) / EVEN_CHUNKS) * EVEN_CHUNKS
    return max(FEWEST_FRAMES, math.ceil(frames / chunks))


def frame_result_bytes(width: int, height: int) -> float:
    """What a frame's results may take, before any is known. width, height: px."""
    return width * height * RESULT_BITS_PER_PIXEL / 8
