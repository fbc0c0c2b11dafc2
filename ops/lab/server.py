"""`facemirror server`: reads recordings, feeds the workers, writes outputs."""

import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import redis
from rich.console import Console

from ops.errors import UsageError
from ops.lab import metrics
from ops.lab.figures import read_figures
from tasks.dispatch import Dispatcher
from workers.process.app import connect
from workers.process.broker import redis_client, require_usable, text, without_password
from workers.process.configuration import DEFAULT_REDIS_BUDGET, Configuration
from workers.process.launcher import WorkerPost, Workers
from workers.process.queues import FILES_QUEUE

STEP_SECONDS = 0.25
SERVER_KEY = "facemirror:server"
"""On Redis: which server serves it, for as long as it lives."""

GONE_AFTER = 15
SERVER_NAME = "facemirror-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What the person asked for. redis_budget: bytes of chunks and results on Redis at a time;
    metrics: the address and port where Prometheus may ask."""

    broker: str
    redis_budget: int = DEFAULT_REDIS_BUDGET
    metrics: tuple[str, int] | None = None
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
    post = WorkerPost(SERVER_NAME, (FILES_QUEUE,), host)
    client = redis_client(options.broker)
    with _only_server(client, host, console) as place:
        console.print(
            f"serving studies on {without_password(options.broker)}; Ctrl-C stops, "
            "and what is on its way goes on at the next start",
            soft_wrap=True,
        )
        if options.metrics is not None:
            metrics.serve(*options.metrics, lambda: read_figures(client, options.redis_budget))
        dispatcher = Dispatcher(client, FILES_QUEUE, options.redis_budget, time.monotonic)
        with Workers([post], configuration, options.log) as workers:
            _serve(dispatcher, workers, place, console)


def _serve(dispatcher: Dispatcher, workers: Workers, place: "_Place", console: Console) -> None:
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


class _Place:
    """The one server's place on a Redis."""

    def __init__(self, client: "redis.Redis", host: str) -> None:
        self._redis = client
        self._me = f"{host} {secrets.token_hex(4)}"
        self._kept = float("-inf")

    def take(self) -> str | None:
        """Take the place; returns who has it, if somebody else."""
        if self._redis.set(SERVER_KEY, self._me, nx=True, ex=GONE_AFTER):
            return None
        return text(self._redis.get(SERVER_KEY) or "").partition(" ")[0]

    def keep(self) -> None:
        """Stay the server. Raises UsageError where another has become it."""
        if time.monotonic() - self._kept < GONE_AFTER / 5:
            return
        self._kept = time.monotonic()
        if text(self._redis.set(SERVER_KEY, self._me, ex=GONE_AFTER, get=True) or self._me) != (
            self._me
        ):
            raise UsageError("another server was started for this Redis: stop one of them")

    def leave(self) -> None:
        """Let another become the server."""
        self._redis.delete(SERVER_KEY)


@contextmanager
def _only_server(client: "redis.Redis", host: str, console: Console) -> Iterator[_Place]:
    """Wait for the place of a server that has just died; refuse beside one that lives."""
    place = _Place(client, host)
    deadline = time.monotonic() + GONE_AFTER + 5
    said = False
    while (other := place.take()) is not None:
        if time.monotonic() > deadline:
            raise UsageError(f"a server runs for this Redis already, on {other}: stop it first")
        if not said:
            console.print(f"waiting for the server on {other} to be gone", style="yellow")
        said = True
        time.sleep(0.5)
    try:
        yield place
    finally:
        try:
            place.leave()
        except redis.RedisError:
            said = True  # its place runs out by itself
