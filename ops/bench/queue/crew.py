"""Simulated Macs: the Redis that they share, and worker processes, all of them there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weights.manifest import DEMO_FOLDER
from workers.process.app import app, connect
from workers.process.broker import redis_client
from workers.process.configuration import Configuration, default_compiled
from workers.process.launcher import WorkerPost, Workers
from workers.process.presence import present_workers
from workers.process.private_redis import PrivateRedis
from workers.process.queues import DEFAULT_POOL, FILES_QUEUE, served_queues
from workers.session.backends import SIMULATED_BACKEND
from workers.session.needed_models import check_weights


@contextmanager
def simulated_broker(
    given: Path, seconds_a_frame: float = 0.0
) -> Iterator[tuple[PrivateRedis, Configuration]]:
    """A Redis that this process works on within the block, and how simulated Macs work on it.

    given: what they give of every chunk.
    """
    before: Configuration = app.conf.facemirror
    with PrivateRedis() as server:
        configuration = Configuration(
            broker=server.url,
            weights=DEMO_FOLDER,
            backend=SIMULATED_BACKEND,
            compiled=default_compiled(),
            simulated_seconds=seconds_a_frame,
            simulated_example=given,
        )
        connect(configuration)
        try:
            yield server, configuration
        finally:
            connect(before)


@contextmanager
def crew(count: int, files: int, configuration: Configuration, log: Path) -> Iterator[Workers]:
    """Simulated Macs of one process each, and what reads and writes files."""
    models = check_weights(DEMO_FOLDER, "star98")
    queues = tuple(served_queues([DEFAULT_POOL], [models], SIMULATED_BACKEND))
    posts = [WorkerPost(f"mac-{n}", queues) for n in range(count)]
    posts += [WorkerPost(f"files-{n}", (FILES_QUEUE,)) for n in range(files)]
    with Workers(posts, configuration, log) as workers:
        while len(present_workers(redis_client(configuration.broker))) < len(posts):
            workers.tend()
            time.sleep(0.5)
        yield workers
