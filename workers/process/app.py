"""The Celery app: settings that keep chunks from being lost, doubled or stuck on Redis.

A worker's parent process imports this and the task modules, then forks the child that works. So
nothing heavy (numpy, OpenCV, PyAV, onnxruntime) is imported at the top of any of them.
"""

import logging

from celery import Celery
from celery.signals import after_setup_logger

from workers.process import launcher_watch  # noqa: F401  (connects itself to Celery's signals)
from workers.process.broker import with_checked_certificate
from workers.process.configuration import Configuration
from workers.process.lease import LeaseRenewal
from workers.process.presence import Presence
from workers.process.queues import FILES_QUEUE, ORDINARY, URGENT

LOOKS_A_LEASE = 6
WEEK = 7 * 24 * 3600

app = Celery(
    "facemirror", include=["tasks.ingest", "tasks.feed", "tasks.analyze", "tasks.assemble"]
)


def connect(configuration: Configuration) -> None:
    """Point the app at a broker, wherever it was before."""
    _forget_connections()
    app.conf.broker_url = app.conf.result_backend = with_checked_certificate(configuration.broker)
    app.conf.broker_transport_options = {
        # Renewed while the worker lives (workers.process.lease): it need not exceed a chunk's time.
        "visibility_timeout": configuration.lease_seconds,
        # Every worker looks for what silent ones have left: a few looks a lease are enough.
        "unacked_restore_interval": max(1.0, configuration.lease_seconds / LOOKS_A_LEASE),
        "unacked_restore_throttle": 1,
        "priority_steps": [URGENT, ORDINARY],
        "queue_order_strategy": "priority",
    }
    app.conf.facemirror = configuration


def _forget_connections() -> None:
    """Celery would go on with the pools and the result backend of the broker that it first had."""
    app._after_fork()
    vars(app._local).pop("backend", None)


app.conf.update(
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_default_queue=FILES_QUEUE,
    # A chord on Redis counts its parts by itself; nobody reads the results of single tasks.
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_track_started=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    # Shorter than the launcher's patience: a killed worker gives nothing back, and counts as dead.
    worker_soft_shutdown_timeout=2.0,
    worker_proc_alive_timeout=60.0,
    worker_send_task_events=True,
    task_send_sent_event=True,
    broker_connection_retry_on_startup=True,
    # Chord counters live as long as results: the longest gap between two chunks of a recording.
    result_expires=WEEK,
)


app.loader.override_backends = dict.fromkeys(
    ("redis", "rediss"), "workers.process.chord_backend:ChordBackend"
)


@after_setup_logger.connect  # type: ignore[untyped-decorator]
def one_line_a_task(**_: object) -> None:
    """Tasks say themselves what they did; Celery's lines on each only repeat it."""
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


app.steps["consumer"].add(LeaseRenewal)
app.steps["consumer"].add(Presence)
connect(Configuration.from_environment())
