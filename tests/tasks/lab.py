"""A laboratory on one machine: a real Redis, real worker processes, recordings on their way."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops.studies.submission import Request, StudyOptions, model_sums, submit
from tasks.dispatch import Dispatcher
from tasks.messages import RecordingOutcome, RunSettings
from tasks.store import RecordingStore
from tasks.studies import StudyStore, recording_id
from workers.chunk.order import AnalysisSettings
from workers.process.app import connect
from workers.process.broker import redis_client
from workers.process.configuration import DEFAULT_REDIS_BUDGET, Configuration
from workers.process.launcher import CELERY_WORKER, WorkerPost, Workers
from workers.process.private_redis import PrivateRedis
from workers.process.queues import DEFAULT_POOL, FILES_QUEUE, served_queues
from workers.session.needed_models import check_weights

LEASE_SECONDS = 4.0


@dataclass
class Sent:
    """A recording on its way."""

    study: StudyStore
    store: RecordingStore

    @property
    def id(self) -> str:
        return self.store.recording

    def frames(self) -> int:
        """How many frames are finished."""
        return self.store.progress().frames


@dataclass
class Lab:
    """What a test can do with it."""

    server: PrivateRedis
    configuration: Configuration
    out: Path
    log: Path
    dispatcher: Dispatcher

    @property
    def client(self):
        return redis_client(self.server.url)

    @contextmanager
    def workers(self, analysts: int, files: int = 1, name: str = "analyst") -> Iterator[Workers]:
        """Worker processes: some that analyse, called `name`-0 and so on, some for files."""
        connect(self.configuration)  # another test of this process may have been elsewhere
        sets = [
            check_weights(self.configuration.weights, points) for points in ("pfld68", "star98")
        ]
        told = self.configuration
        queues = tuple(served_queues([DEFAULT_POOL], sets, told.backend, told.encoder))
        posts = [WorkerPost(f"{name}-{n}", queues) for n in range(analysts)]
        posts += [WorkerPost(f"files-{n}", (FILES_QUEUE,)) for n in range(files)]
        with Workers(posts, self.configuration, self.log) as workers:
            yield workers

    def submit(
        self,
        source: Path,
        chunk_frames: int | None = 100,
        mix_providers=False,
        provider=None,
        precision="any",
        **analysis,
    ) -> Sent:
        """Send a recording on its way."""
        settings = RunSettings(
            analysis=AnalysisSettings(**{"landmarks": "pfld68", **analysis}),
            chunk_frames=chunk_frames,
        )
        models = check_weights(self.configuration.weights, settings.analysis.landmarks)
        request = Request(
            source=source, name=source.stem, settings=settings, models=model_sums(models)
        )
        options = StudyOptions(
            out=self.out,
            anew=True,
            mix_providers=mix_providers,
            provider=provider,
            precision=precision,
        )
        study = submit(self.client, [request], options)
        return Sent(study, study.recording(recording_id(study.id, 1)))

    def wait(self, sent: Sent, workers: Workers, seconds=120) -> RecordingOutcome:
        """What became of a recording."""
        self.until(lambda: sent.store.outcome() is not None, workers, seconds)
        outcome = sent.store.outcome()
        assert outcome is not None
        return outcome

    def wait_for_frames(self, sent: Sent, frames: int, workers=None, seconds=60) -> None:
        """Wait until some frames are analysed."""
        self.until(lambda: sent.frames() >= frames, workers, seconds)

    def until(self, met: Callable[[], object], workers: Workers | None, seconds: float) -> None:
        """Keep everything going until something is so."""
        deadline = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < deadline, (
                f"not within {seconds} s:\n{self.log.read_text()[-3000:]}"
            )
            self.dispatcher.step()
            if workers is not None:
                workers.tend()
            time.sleep(0.05)


def worker_parents(name: str) -> list[psutil.Process]:
    """Parent processes of the workers whose names begin so."""
    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        line = process.info["cmdline"] or []
        is_worker = CELERY_WORKER in line and any(part.startswith(f"{name}") for part in line)
        if is_worker and process.info["ppid"] == psutil.Process().pid:
            found.append(process)
    return found


@contextmanager
def laboratory(weights: Path, folder: Path) -> Iterator[Lab]:
    """A laboratory whose server ends with the block."""
    with PrivateRedis() as server:
        configuration = Configuration(
            broker=server.url,
            weights=weights,
            compiled=folder / "compiled",
            lease_seconds=LEASE_SECONDS,
        )
        connect(configuration)
        yield Lab(
            server=server,
            configuration=configuration,
            out=folder / "out",
            log=folder / "workers.log",
            dispatcher=fresh_dispatcher(server),
        )


def fresh_dispatcher(server: PrivateRedis, budget: int = DEFAULT_REDIS_BUDGET) -> Dispatcher:
    """A dispatcher that remembers nothing."""
    return Dispatcher(redis_client(server.url), FILES_QUEUE, budget, time.monotonic)
