"""Worker processes, all of them there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weights.manifest import DEMO_FOLDER
from workers.process.broker import redis_client
from workers.process.configuration import Configuration
from workers.process.launcher import WorkerPost, Workers
from workers.process.presence import present_workers
from workers.process.queues import DEFAULT_POOL, FILES_QUEUE, served_queues
from workers.session.backends import SIMULATED_BACKEND
from workers.session.needed_models import check_weights


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
