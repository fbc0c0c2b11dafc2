"""What the queue costs: many workers with a simulated session against one, on this machine.

    python -m ops.bench.queue [--workers 64] [--seconds-a-frame 0.04] [--chunks 8]

Each worker is a real Celery worker of its own on a real Redis; only the models are replaced by a
sleep (workers.chunk.simulation). Prints frames/s of one worker and of all, their ratio to the
ideal, and what a chunk takes beyond the sleep, from the time that a worker has one to the time that
it has the next: that is the queue, Redis, and storing what comes out.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer

from ops.studies.submission import Request, StudyOptions, model_sums, submit
from tasks.dispatch import Dispatcher
from tasks.messages import RunSettings
from tasks.studies import StudyStore
from weights.manifest import DEMO_FOLDER
from workers.chunk.order import AnalysisSettings
from workers.process.app import connect
from workers.process.broker import redis_client
from workers.process.configuration import DEFAULT_REDIS_BUDGET, Configuration, default_compiled
from workers.process.launcher import WorkerPost, Workers
from workers.process.presence import present_workers
from workers.process.private_redis import PrivateRedis
from workers.process.queues import (
    DEFAULT_POOL,
    FILES_QUEUE,
    SIMULATED,
    fingerprint,
    served_queues,
)
from workers.session.needed_models import check_weights
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments

CHUNK_FRAMES = 100
CHUNKS_A_RECORDING = 16
STEP_SECONDS = 0.1
FILES_WORKERS = 2


def film(path: Path, frames: int) -> None:
    """A black recording."""
    picture = np.zeros((96, 128, 3), np.uint8)
    segments = []
    for first in range(0, frames, CHUNK_FRAMES):
        encoder = SegmentEncoder(128, 96, Fraction(1, 30))
        for pts in range(first, min(frames, first + CHUNK_FRAMES)):
            encoder.write(picture, pts)
        segments.append(encoder.finish())
    join_segments(segments, path, Fraction(1, 30))


def films(folder: Path, chunks: int) -> list[Path]:
    """Recordings that have so many chunks together."""
    folder.mkdir()
    frames = CHUNK_FRAMES * min(CHUNKS_A_RECORDING, chunks)
    recordings = [folder / f"r{n}.mp4" for n in range(-(-chunks // CHUNKS_A_RECORDING))]
    film(recordings[0], frames)
    for recording in recordings[1:]:
        recording.hardlink_to(recordings[0])
    return recordings


@contextmanager
def crew(count: int, configuration: Configuration, log: Path) -> Iterator[Workers]:
    """Workers that are all there."""
    models = check_weights(DEMO_FOLDER, "star98")
    weights = fingerprint((model.name, model.sha256) for model in models)
    queues = tuple(served_queues([DEFAULT_POOL], [weights], SIMULATED))
    posts = [WorkerPost(f"bench-{n}", queues) for n in range(count)]
    posts += [WorkerPost(f"files-{n}", (FILES_QUEUE,)) for n in range(FILES_WORKERS)]
    with Workers(posts, configuration, log) as workers:
        while len(present_workers(redis_client(configuration.broker))) < len(posts):
            workers.tend()
            time.sleep(0.5)
        yield workers


def analyse(url: str, workers: Workers, recordings: list[Path], out: Path) -> float:
    """Seconds that a study of these recordings takes, from submitting to its last output."""
    client = redis_client(url)
    settings = RunSettings(analysis=AnalysisSettings(landmarks="star98"), chunk_frames=CHUNK_FRAMES)
    models = model_sums(check_weights(DEMO_FOLDER, "star98"))
    requests = [
        Request(source=source, name=source.stem, settings=settings, models=models)
        for source in recordings
    ]
    dispatcher = Dispatcher(client, FILES_QUEUE, DEFAULT_REDIS_BUDGET, time.monotonic)
    begun = time.monotonic()
    study = submit(client, requests, StudyOptions(out=out, provider=SIMULATED, anew=True))
    while not _ended(study, len(recordings)):
        dispatcher.step()
        workers.tend()
        time.sleep(STEP_SECONDS)
    return time.monotonic() - begun


def _ended(study: StudyStore, count: int) -> bool:
    outcomes = study.outcomes()
    failed = [outcome.reason for outcome in outcomes.values() if outcome.status != "done"]
    if failed:
        raise SystemExit(failed[0])
    return len(outcomes) == count


def measure(
    count: int, chunks: int, configuration: Configuration, folder: Path
) -> dict[str, float]:
    """Frames/s of `count` workers with `chunks` chunks for each; the overhead of a chunk, ms.

    The overhead is what further chunks cost: the difference to a study of half as many, without
    what each study costs at its begin and end. First chunks, which import everything, are done
    before.
    """
    with crew(count, configuration, folder / "workers.log") as workers:
        seconds = {}
        for each in (1, chunks // 2, chunks):
            recordings = films(folder / f"{count}-{each}", count * each)
            out = folder / f"out-{count}-{each}"
            seconds[each] = analyse(configuration.broker, workers, recordings, out)
    more, longer = chunks - chunks // 2, seconds[chunks] - seconds[chunks // 2]
    asleep = CHUNK_FRAMES * configuration.simulated_seconds
    return {
        "workers": count,
        "chunks": count * chunks,
        "seconds": round(seconds[chunks], 2),
        "frames_per_s": round(count * chunks * CHUNK_FRAMES / seconds[chunks], 2),
        "overhead_ms_a_chunk": round(1000 * (longer / more - asleep), 1),
    }


def main(
    workers: Annotated[int, typer.Option(help="Worker processes.")] = 64,
    seconds_a_frame: Annotated[float, typer.Option(help="What a session takes.")] = 0.04,
    chunks: Annotated[int, typer.Option(help="Chunks for each worker.")] = 12,
) -> None:
    """Measure one worker, then all."""
    with tempfile.TemporaryDirectory() as name, PrivateRedis() as server:
        configuration = Configuration(
            broker=server.url,
            weights=DEMO_FOLDER,
            provider=SIMULATED,
            compiled=default_compiled(),
            simulated_seconds=seconds_a_frame,
        )
        connect(configuration)
        one = measure(1, chunks, configuration, Path(name))
        all_of_them = measure(workers, chunks, configuration, Path(name))
    ratio = all_of_them["frames_per_s"] / (workers * one["frames_per_s"])
    said = {"one": one, "all": all_of_them, "of_ideal": round(ratio, 3)}
    typer.echo(json.dumps({**said, "load": psutil.getloadavg()[0]}))


if __name__ == "__main__":
    typer.run(main)
