"""Which processes have begun a piece of work: one that neither finished nor gave it back has died.

A start is forgiven when its work was put down without a death: Redis did not answer for a while, or
a worker was told to stop. Redis may not answer just then, so that is kept here until it does.
"""

import os
import secrets
from typing import Any

import redis
from celery import bootsteps
from celery.worker.request import Request

from tasks.store import RecordingStore
from workers.process.app import app
from workers.process.broker import redis_client
from workers.process.configuration import WORKER_VARIABLE
from workers.process.lease import AFTER_TASKS

INGEST = "ingest"
_PARENT = os.environ.get(WORKER_VARIABLE) or secrets.token_hex(6)
"""A worker's parent and its children share it, also where they are not forked (macOS)."""
_forgiven: set[tuple[str, str, str]] = set()  # recording, work, process


def process_name(pid: int | None = None) -> str:
    """A name that no other process has, on any machine, ever. pid: this one's, or a child's."""
    return f"{_PARENT}-{os.getpid() if pid is None else pid}"


def forgive(recording: str, work: str, pid: int | None = None) -> None:
    """Take back that a process began a piece of work, now or as soon as Redis answers.

    work: a chunk's index, or `INGEST`.
    """
    _forgiven.add((recording, work, process_name(pid)))
    tell_redis()


def tell_redis() -> None:
    """Take back what is still to be taken back, if Redis answers."""
    if not _forgiven:
        return
    with redis_client(app.conf.broker_url, retries=0) as client:
        for start in list(_forgiven):
            recording, work, process = start
            try:
                RecordingStore(client, recording).forgive_start(work, process)
            except redis.RedisError:
                return
            _forgiven.discard(start)


class ForgivingRequest(Request):  # type: ignore[misc]
    """A task in hand, in the worker's parent process, whose cancelling is no death of its child.

    Celery cancels it when the worker stops or has lost its broker, and gives the message back.
    """

    def cancel(self, *how: Any, **options: Any) -> None:
        """See Celery's."""
        try:
            super().cancel(*how, **options)
        finally:
            recording, *chunk = self.args
            forgive(recording, str(chunk[0]) if chunk else INGEST, self.worker_pid)


class Forgiveness(bootsteps.StartStopStep):  # type: ignore[misc]
    """Tells Redis, as soon as a worker has found its broker again."""

    requires = AFTER_TASKS

    def start(self, _consumer: Any) -> None:
        """Called on each connection to the broker."""
        tell_redis()


app.steps["consumer"].add(Forgiveness)
