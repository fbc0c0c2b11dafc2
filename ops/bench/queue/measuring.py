"""A study through the whole queue, and what it cost."""

import time
from dataclasses import dataclass
from pathlib import Path

import redis

from ops.bench.queue.costs import Spent, spent
from ops.bench.queue.crew import crew
from ops.bench.queue.film import RATE, lengthen
from ops.studies.submission import Request, StudyOptions, model_sums, submit
from tasks.dispatch import Dispatcher
from tasks.ingest import even_chunk_frames
from tasks.messages import RunSettings
from tasks.store import frames_done
from tasks.studies import StudyStore
from weights.manifest import DEMO_FOLDER
from workers.chunk.order import AnalysisSettings
from workers.process.broker import redis_client
from workers.process.configuration import Configuration
from workers.process.launcher import Workers
from workers.process.private_redis import PrivateRedis
from workers.process.queues import FILES_QUEUE, SIMULATED
from workers.session.needed_models import check_weights

STEP_SECONDS = 0.25
"""As the server does."""

IDLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is to be measured.

    workers: simulated Macs; files: workers that read and write files; seconds: of analysis for each
    Mac; recording: minutes of each recording, at most; short: what they repeat.
    """

    workers: int
    files: int
    seconds: float
    minutes: float
    short: Path


def measure(
    load: Load, server: PrivateRedis, made: Configuration, folder: Path
) -> dict[str, object]:
    """Frames/s and the costs of a study; made: with the seconds that a Mac takes for a frame."""
    client = redis_client(server.url)
    recordings = films(load, made.simulated_seconds, folder)
    with crew(load.workers, load.files, made, folder / "workers.log") as workers:
        idle = _idle(workers, client, server.process)
        warm = films(load, made.simulated_seconds, folder / "warm", at_once=True)
        _Study(client, workers, made.redis_budget, warm, folder / "warm-out").until_done()
        before = spent(workers, client, server.process)
        study = _Study(client, workers, made.redis_budget, recordings, folder / "out")
        study.until_done()
        used = spent(workers, client, server.process).since(before)
        peak = client.info("memory")["used_memory_peak"]
    frames = study.frames[-1]
    chunk = even_chunk_frames(recordings_frames(load))
    return {
        "workers": load.workers,
        "recordings": len(recordings),
        "frames": frames,
        "seconds": round(study.times[-1], 2),
        "frames_per_s": round(frames / study.times[-1], 2),
        "steady_frames_per_s": round(study.steady(load.workers * chunk), 2),
        "redis_peak_MB": round(peak / 1e6),
        "cpu_ms_a_frame": round(1000 * sum(used.cpu.values()) / frames, 3),
        "a_chunk": used.each(frames / chunk),
        "idle_a_second": idle.each(IDLE_SECONDS),
    }


def recordings_frames(load: Load) -> int:
    """The frames of each recording."""
    return round(load.minutes * 60 * RATE)


def films(load: Load, seconds_a_frame: float, folder: Path, at_once: bool = False) -> list[Path]:
    """Recordings that keep all workers busy for as long as asked; or, all at once, with a chunk for
    each of them."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = round(load.workers * load.seconds / seconds_a_frame)
    longest = recordings_frames(load)
    if at_once:
        wanted = load.workers * even_chunk_frames(longest)
    count = max(1, round(wanted / longest))
    found = [folder / f"r{n}.mp4" for n in range(count)]
    lengthen(load.short, found[0], min(wanted, longest))
    for recording in found[1:]:
        recording.hardlink_to(found[0])
    return found


def _idle(workers: Workers, client: "redis.Redis", server: int) -> Spent:
    before = spent(workers, client, server)
    time.sleep(IDLE_SECONDS)
    return spent(workers, client, server).since(before)


class _Study:
    """A study on its way. times: s from submitting; frames: that were analysed by then."""

    def __init__(
        self,
        client: "redis.Redis",
        workers: Workers,
        budget: int,
        recordings: list[Path],
        out: Path,
    ) -> None:
        self._client = client
        self._workers = workers
        self._dispatcher = Dispatcher(client, FILES_QUEUE, budget, time.monotonic)
        self._recordings, self._out = recordings, out
        self.times: list[float] = []
        self.frames: list[int] = []

    def until_done(self) -> None:
        """Submit it, and keep everything going until the last output is there."""
        before, begun = frames_done(self._client), time.monotonic()
        study = self._submitted()
        while not _ended(study, len(self._recordings)):
            self._dispatcher.step()
            self._workers.tend()
            time.sleep(STEP_SECONDS)
            self.times.append(time.monotonic() - begun)
            self.frames.append(frames_done(self._client) - before)

    def steady(self, of_all: int) -> float:
        """Frames/s between the first and the last chunk of every worker. of_all: their frames."""
        total = self.frames[-1]
        within = [
            (time, done)
            for time, done in zip(self.times, self.frames, strict=True)
            if of_all <= done <= total - of_all
        ]
        if len(within) < 2:
            return float("nan")
        (begun, first), (ended, last) = within[0], within[-1]
        return (last - first) / (ended - begun)

    def _submitted(self) -> StudyStore:
        settings = RunSettings(analysis=AnalysisSettings(landmarks="star98"))
        models = model_sums(check_weights(DEMO_FOLDER, "star98"))
        requests = [
            Request(source=source, name=source.stem, settings=settings, models=models)
            for source in self._recordings
        ]
        options = StudyOptions(out=self._out, provider=SIMULATED, anew=True)
        return submit(self._client, requests, options)


def _ended(study: StudyStore, count: int) -> bool:
    outcomes = study.outcomes()
    failed = [outcome.reason for outcome in outcomes.values() if outcome.status != "done"]
    if failed:
        raise SystemExit(failed[0])
    return len(outcomes) == count
