"""Analyze: one chunk, on any worker.

Returns the same line for the same chunk, whatever happened: a chord on Redis counts a repeated
result twice when it differs. What happened is stored, and the chord always gets its part.
"""

import time
from typing import TYPE_CHECKING

import redis
from celery.exceptions import SoftTimeLimitExceeded
from celery.utils.log import get_task_logger

from tasks.failure import stop_if_told
from tasks.messages import ChunkReport
from tasks.results import pack_result
from tasks.sessions import loaded_models, simulated_models
from tasks.starts import ForgivingRequest, forgive, process_name, tell_redis
from tasks.store import ANY_MIX, RecordingStore
from weights.manifest import InstalledModel
from workers.chunk.order import ChunkOrder
from workers.process.app import app
from workers.process.arithmetic import arithmetic
from workers.process.broker import shared_client
from workers.process.configuration import Configuration
from workers.process.memory import release_unused_memory
from workers.process.queues import SIMULATED, same_queue_for
from workers.session.machine import libraries
from workers.video.writing.encoders import Encoder

if TYPE_CHECKING:
    from workers.chunk.analysis import ChunkAnalysis

logger = get_task_logger(__name__)

STARTS = 3
"""A chunk whose worker died this often is not tried again."""

PROGRESS_SECONDS = 2.0


def frames_shown(start: int, stop: int) -> str:
    """Frames [start, stop) as people read them."""
    return f"frames {start}\N{EN DASH}{stop - 1}"


def time_limit(frames: int) -> int:
    """Seconds that the analysis of a chunk may take: models to load, and a slow machine."""
    return 600 + 20 * frames


@app.task(  # type: ignore[untyped-decorator]
    name="analyze",
    bind=True,
    Request=ForgivingRequest,
    autoretry_for=(redis.ConnectionError, redis.TimeoutError),
    retry_backoff=True,
    max_retries=8,
)
def analyze(self, recording: str, index: int) -> str:  # type: ignore[no-untyped-def]
    """Analyse a chunk of a recording, unless that is done already; returns `chunk INDEX`."""
    tell_redis()
    store = RecordingStore(shared_client(app.conf.broker_url), recording)
    said = f"chunk {index}"
    chunk, claimed = store.to_analyse(index)
    if chunk is None:
        return said
    mine = arithmetic(app.conf.facemirror.backend, app.conf.facemirror.encoder)
    claimed = claimed or store.claim(mine)
    if claimed not in (mine, ANY_MIX):
        # One recording, one arithmetic: hand it on to those who have begun it.
        queue = same_queue_for(self.request.delivery_info["routing_key"], claimed)
        raise self.retry(queue=queue, countdown=0, max_retries=None)
    # Where arithmetics may be mixed, videos are joined all the same.
    encoder: Encoder = "x264" if claimed == ANY_MIX else app.conf.facemirror.encoder
    worker = self.request.hostname or ""  # Celery gives none where it is called directly
    shown = frames_shown(chunk.start, chunk.stop)
    try:
        begun = store.begin_chunk(index, process_name(), worker)
        if begun.starts > STARTS:
            store.fail_chunk(index, f"its worker died {STARTS} times while analysing it")
            return said
        pace = _analyse(store, index, chunk, begun.segment, worker, encoder)
    except SoftTimeLimitExceeded:
        store.fail_chunk(index, f"it took longer than {time_limit(chunk.frames)} s")
    except (redis.ConnectionError, redis.TimeoutError):
        forgive(recording, str(index))
        raise
    except Exception as error:
        stop_if_told(error)
        logger.exception("%s %s", chunk.recording, shown)
        store.fail_chunk(index, str(error) or type(error).__name__)
    else:
        logger.info("%s %s: %.1f frames/s", chunk.recording, shown, pace)
    return said


def _analyse(
    store: RecordingStore,
    index: int,
    chunk: ChunkOrder,
    segment: bytes | None,
    worker: str,
    encoder: Encoder,
) -> float:
    """Analyse a chunk and store what it gave; returns how many frames a second."""
    if segment is None:
        if not store.has_result(index) and store.outcome() is None:
            store.fail_chunk(index, "its frames are gone from Redis: submit the recording again")
        return 0.0  # else another worker has just finished it, or its recording is over
    begun = time.monotonic()
    progress = _Progress(store, index)
    result, installed = _result(chunk, segment, progress, encoder)
    backend = app.conf.facemirror.backend
    report = ChunkReport(
        provider=backend.provider,
        arithmetic=arithmetic(backend, encoder),
        encoder=encoder,
        libraries=libraries(backend),
        worker=worker,
        models=installed,
        backend=backend,
        trial=app.conf.facemirror.trial,
        seconds=result.seconds,
        cpu_seconds=result.cpu_seconds,
        first_frame=progress.first_frame,
        last_frame=progress.last_frame,
        deinterlaced=result.deinterlaced,
    )
    pts = chunk.own_pts
    packed = pack_result(pts, result.rows.to_bytes(), result.segments, report)
    pace = chunk.frames / (time.monotonic() - begun)
    store.put_result(index, packed, chunk.frames, worker, pace)
    return pace


def _result(
    chunk: ChunkOrder, segment: bytes, progress: "_Progress", encoder: Encoder
) -> "tuple[ChunkAnalysis, tuple[InstalledModel, ...]]":
    configuration: Configuration = app.conf.facemirror
    if configuration.provider == SIMULATED:
        from workers.chunk.simulation import simulate_chunk

        installed = simulated_models(chunk.settings.landmarks, chunk.settings.aus)
        seconds, example = configuration.simulated_seconds, configuration.simulated_example
        return simulate_chunk(chunk, seconds, progress, example), installed
    from workers.chunk.analysis import analyse_chunk

    models = loaded_models(chunk.settings.landmarks, chunk.settings.aus)
    try:
        return analyse_chunk(chunk, segment, models, progress, encoder), models.installed
    finally:
        release_unused_memory()


class _Progress:
    """Stores how many frames of a chunk are finished, now and then; keeps when the first and the
    last of them were, s since 1970."""

    def __init__(self, store: RecordingStore, index: int) -> None:
        self._store = store
        self._index = index
        self._last = time.monotonic()
        self.first_frame = self.last_frame = 0.0

    def __call__(self, frames: int) -> None:
        self.last_frame = time.time()
        self.first_frame = self.first_frame or self.last_frame
        now = time.monotonic()
        if now - self._last >= PROGRESS_SECONDS:
            self._last = now
            self._store.put_progress(self._index, frames)
