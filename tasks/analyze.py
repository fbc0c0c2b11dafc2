"""Analyze: one chunk, on any worker.

Returns the chunk's index and nothing else: a chord on Redis counts a repeated result twice when it
differs. Whatever happens to the chunk is stored, and the chord always gets its part.
"""

import time
from functools import lru_cache

import redis
from celery.exceptions import SoftTimeLimitExceeded
from celery.utils.log import get_task_logger

from tasks.messages import ChunkReport
from tasks.store import RecordingStore
from workers.app import app
from workers.broker import redis_client
from workers.chunk_order import ChunkOrder
from workers.configuration import Configuration
from workers.face.scheme import LandmarkName
from workers.memory import release_unused_memory

logger = get_task_logger(__name__)

STARTS = 3
"""A chunk whose worker died this often is not tried again."""

PROGRESS_SECONDS = 0.5


def time_limit(frames: int) -> int:
    """Seconds that the analysis of a chunk may take: models to load, and a slow machine."""
    return 600 + 20 * frames


@app.task(  # type: ignore[untyped-decorator]
    name="analyze",
    bind=True,
    autoretry_for=(redis.ConnectionError, redis.TimeoutError),
    retry_backoff=True,
    max_retries=8,
)
def analyze(self, recording: str, index: int) -> int:  # type: ignore[no-untyped-def]
    """Analyse a chunk of a recording, unless that is done already; returns its index."""
    store = RecordingStore(redis_client(app.conf.broker_url), recording)
    chunk = store.chunk(index)
    if chunk is None or store.has_result(index) or store.failures():
        return index
    if store.count_start(str(index)) > STARTS:
        store.fail_chunk(index, f"its worker died {STARTS} times while analysing it")
        return index
    begun = time.monotonic()
    try:
        _analyse(store, index, chunk, self.request.hostname)
    except SoftTimeLimitExceeded:
        store.fail_chunk(index, f"it took longer than {time_limit(chunk.frames)} s")
    except (redis.ConnectionError, redis.TimeoutError):
        store.uncount_start(str(index))
        raise
    except Exception as error:
        logger.exception("%s frames %d-%d", chunk.recording, chunk.start, chunk.stop - 1)
        store.fail_chunk(index, str(error) or type(error).__name__)
    else:
        rate = chunk.frames / (time.monotonic() - begun)
        frames = f"frames {chunk.start}-{chunk.stop - 1}"
        logger.info("%s %s: %.1f frames/s", chunk.recording, frames, rate)
    finally:
        release_unused_memory()
    return index


def _analyse(store: RecordingStore, index: int, chunk: ChunkOrder, worker: str) -> None:
    import onnxruntime

    from workers.analysis import analyse_chunk

    segment = store.segment(index)
    if segment is None:
        if not store.has_result(index) and store.outcome() is None:
            store.fail_chunk(index, "its frames are gone from Redis: submit the recording again")
        return  # else another worker has just finished it, or its recording is over
    configuration = Configuration.from_environment()
    models = _models(chunk.settings.landmarks)
    progress = _Progress(store, index)
    result = analyse_chunk(chunk, segment, models, progress)
    report = ChunkReport(
        provider=configuration.provider,
        onnxruntime=onnxruntime.__version__,
        worker=worker,
        models=models.installed,
        seconds=result.seconds,
    )
    store.put_result(index, result.rows.to_bytes(), result.segments, report)
    progress.finish(chunk.frames)


@lru_cache(maxsize=2)
def _models(landmarks: LandmarkName):  # type: ignore[no-untyped-def]
    """This process's session: loaded in the child, at its first chunk, never before the fork."""
    from workers.session import load_models

    configuration = Configuration.from_environment()
    models = load_models(
        configuration.weights, configuration.provider, landmarks, configuration.compiled
    )
    for model in models.installed:
        if model.demo or not model.official:
            logger.warning("%s was not made from the published checkpoint", model.file)
    logger.info("models loaded on provider '%s'", configuration.provider)
    return models


class _Progress:
    """Stores how many frames of a chunk are finished, now and then."""

    def __init__(self, store: RecordingStore, index: int) -> None:
        self._store = store
        self._index = index
        self._last = 0.0

    def __call__(self, frames: int) -> None:
        now = time.monotonic()
        if now - self._last >= PROGRESS_SECONDS:
            self._last = now
            self._store.put_progress(self._index, frames)

    def finish(self, frames: int) -> None:
        self._store.put_progress(self._index, frames)
