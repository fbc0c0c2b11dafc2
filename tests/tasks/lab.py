"""A laboratory on one machine: a real Redis, real worker processes, recordings on their way."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops.submission import Submission, submit
from tasks.messages import RecordingOutcome, RunSettings
from workers.app import ANALYZE_QUEUE, FILES_QUEUE, connect
from workers.chunk_order import AnalysisSettings
from workers.configuration import Configuration
from workers.launcher import WorkerPost, Workers
from workers.private_redis import PrivateRedis

LEASE_SECONDS = 4.0


@dataclass
class Lab:
    """What a test can do with it."""

    server: PrivateRedis
    configuration: Configuration
    out: Path
    log: Path

    @contextmanager
    def workers(self, analysts: int, files: int = 1) -> Iterator[Workers]:
        """Worker processes: some that analyse, some for files."""
        posts = [WorkerPost(f"analyst-{n}", (ANALYZE_QUEUE,)) for n in range(analysts)]
        posts += [WorkerPost(f"files-{n}", (FILES_QUEUE,)) for n in range(files)]
        with Workers(posts, self.configuration, self.log) as workers:
            yield workers

    def submit(self, source: Path, chunk_frames: int = 100, **analysis) -> Submission:
        """Send a recording on its way."""
        settings = RunSettings(
            analysis=AnalysisSettings(**{"landmarks": "pfld68", **analysis}),
            chunk_frames=chunk_frames,
        )
        return submit(source, source.stem, self.out, settings, files_queue=FILES_QUEUE, spread=1)

    def wait(self, submission: Submission, workers: Workers, seconds=120) -> RecordingOutcome:
        """What became of a recording."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            outcome = submission.poll()
            if outcome is not None:
                return outcome
            workers.tend()
            submission.reconcile(time.monotonic())
            time.sleep(0.1)
        raise AssertionError(f"not finished in {seconds} s:\n{self.log.read_text()[-3000:]}")

    def wait_for_frames(self, submission: Submission, frames: int, seconds=60) -> None:
        """Wait until some frames are analysed."""
        deadline = time.monotonic() + seconds
        while submission.frames()[0] < frames:
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)


def worker_parents(name: str) -> list[psutil.Process]:
    """Parent processes of the workers whose names begin so."""
    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        line = process.info["cmdline"] or []
        is_worker = "celery" in line and any(part.startswith(f"{name}") for part in line)
        if is_worker and process.info["ppid"] == psutil.Process().pid:
            found.append(process)
    return found


@contextmanager
def laboratory(weights: Path, folder: Path) -> Iterator[Lab]:
    """A laboratory whose server ends with the block; one a process, as Celery keeps its broker."""
    with PrivateRedis() as server:
        configuration = Configuration(
            broker=server.url,
            weights=weights,
            compiled=folder / "compiled",
            lease_seconds=LEASE_SECONDS,
        )
        connect(configuration)
        yield Lab(server, configuration, folder / "out", folder / "workers.log")
