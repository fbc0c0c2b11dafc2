"""The lab in figures, read from Redis when Prometheus asks."""

from collections import Counter

import redis

from ops.lab.metrics import LabFigures
from ops.lab.place import SERVER_KEY, holder
from tasks.feed import recording_queue
from tasks.store import frames_done, held_bytes
from tasks.studies import all_studies
from workers.process.broker import queue_length
from workers.process.presence import present_workers
from workers.process.queues import FILES_QUEUE


def read_figures(client: "redis.Redis", budget: int) -> LabFigures:
    """The lab now. budget: bytes that chunks and results may hold on Redis."""
    present = present_workers(client)
    queues = {queue for worker in present for queue in worker.queues} - {FILES_QUEUE}
    running: Counter[str] = Counter({w.name: 0 for w in present if FILES_QUEUE not in w.queues})
    recordings: Counter[str] = Counter()
    for study in all_studies(client):
        begun = study.begun()
        ended = study.outcomes().values()
        recordings.update(outcome.status for outcome in ended)
        recordings.update(running=len(begun), waiting=study.count() - len(ended) - len(begun))
        for recording in begun:
            progress = study.recording(recording).progress()
            # One that was killed has its chunk in hand until another takes it.
            running.update(name for name in progress.in_hand.values() if name in running)
            order = study.order(recording)
            if order is not None:
                queues.add(recording_queue(order, progress.claimed))  # even if nobody reads it
    return LabFigures(
        frames_done=frames_done(client),
        chunks_waiting={queue: queue_length(client, queue) for queue in sorted(queues)},
        chunks_running={name: running[name] for name in sorted(running)},
        recordings=dict(recordings),
        held_bytes=held_bytes(client),
        budget_bytes=budget,
        server_on=holder(client, SERVER_KEY) is not None,
    )
