"""One Celery worker, as the launcher starts it.

    python -m workers.process.celery_worker NAME@HOST QUEUES LEVEL

Celery's own command line would take a third of a second more to start, for commands not used here.
"""

import sys

from celery.utils.nodenames import host_format

from workers.process.app import app

HEARTBEAT_SECONDS = 10.0
"""Flower shows a worker as gone after two of these, and networks have their moments."""


def main(name: str, queues: str, level: str) -> int:
    """Serve until told to stop; the exit status.

    name: with the host, of which %h is this machine; queues: by name, with commas between.

    The prefork pool has one child. The parent answers Flower and renews its messages while the
    child computes; only this pool has time limits and notices at once when the child dies.
    """
    worker = app.Worker(
        hostname=host_format(name),
        pool_cls="prefork",
        concurrency=1,
        queues=queues.split(","),
        loglevel=level,
        without_gossip=True,
        without_mingle=True,
        heartbeat_interval=HEARTBEAT_SECONDS,
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
