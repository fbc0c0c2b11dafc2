"""`facemirror server`: reads recordings, feeds the workers, writes outputs."""

import os
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

import redis
from rich.console import Console

from ops.lab import metrics
from ops.lab.figures import read_figures
from ops.lab.place import SERVER, SERVER_KEY, Place, only_holder
from tasks.dispatch import Dispatcher
from workers.process.app import connect
from workers.process.broker import redis_client, require_usable, without_password
from workers.process.configuration import DEFAULT_REDIS_BUDGET, Configuration
from workers.process.launcher import WorkerPost, Workers
from workers.process.queues import FILES_QUEUE

STEP_SECONDS = 0.25
SERVER_NAME = "facemirror-server"

MOST_FILES_WORKERS = 4
"""Without being told; see ops/bench/SCALE.md for how many Macs each of them serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What the person asked for. redis_budget: bytes of chunks and results on Redis at a time;
    metrics: the address and port where Prometheus may ask; files_workers: processes that read
    recordings and write outputs, None: what fits the machine."""

    broker: str
    redis_budget: int = DEFAULT_REDIS_BUDGET
    metrics: tuple[str, int] | None = None
    files_workers: int | None = None
    name: str | None = None
    log: Path | None = None
    insecure: bool = False


def serve(options: ServerOptions, console: Console) -> None:
    """Serve until interrupted. Raises BrokerError, UsageError, LauncherError."""
    require_usable(options.broker, options.insecure)
    configuration = replace(
        Configuration.from_environment(),
        broker=options.broker,
        redis_budget=options.redis_budget,
    )
    connect(configuration)
    host = options.name or socket.gethostname().partition(".")[0]
    posts = files_posts(options.files_workers or fitting_files_workers(), host)
    client = redis_client(options.broker)
    place = Place(client, SERVER_KEY, host, SERVER)
    with only_holder(place, console):
        console.print(
            f"serving studies on {without_password(options.broker)}; Ctrl-C stops, "
            "and what is on its way goes on at the next start",
            soft_wrap=True,
        )
        if options.metrics is not None:
            metrics.serve(*options.metrics, lambda: read_figures(client, options.redis_budget))
        dispatcher = Dispatcher(client, FILES_QUEUE, options.redis_budget, time.monotonic)
        with Workers(posts, configuration, options.log) as workers:
            _serve(dispatcher, workers, place, console)


def fitting_files_workers() -> int:
    """How many files workers this machine gets: one for each core, and one that feeds while all
    others write whole recordings; up to MOST_FILES_WORKERS."""
    return min(MOST_FILES_WORKERS, (os.cpu_count() or 1) + 1)


def files_posts(count: int, host: str) -> list[WorkerPost]:
    """The workers that read and write files; the first has the server's name."""
    names = [SERVER_NAME, *(f"{SERVER_NAME}-{n}" for n in range(2, count + 1))]
    return [WorkerPost(name, (FILES_QUEUE,), host) for name in names]


def _serve(dispatcher: Dispatcher, workers: Workers, place: Place, console: Console) -> None:
    lost = False
    while True:
        workers.tend()
        try:
            place.keep()
            dispatcher.step()
        except redis.RedisError as error:
            if not lost:
                console.print(f"Redis does not answer ({error}): waiting for it", style="yellow")
            lost = True
        else:
            if lost:
                console.print("Redis is back", style="green")
            lost = False
        time.sleep(STEP_SECONDS)
