"""The Celery app: settings that keep chunks from being lost, doubled or stuck on Redis.

A worker's parent process imports this and the task modules, then forks the child that works. So
nothing heavy (numpy, OpenCV, PyAV, onnxruntime) is imported at the top of any of them.
"""

from celery import Celery

from workers import launcher_watch  # noqa: F401  (connects itself to Celery's signals)
from workers.configuration import Configuration
from workers.lease import LeaseRenewal

ANALYZE_QUEUE = "facemirror.analyze"
FILES_QUEUE = "facemirror.files"
"""Ingest and assemble: where the recordings and the output folder are."""

WEEK = 7 * 24 * 3600

app = Celery("facemirror", include=["tasks.ingest", "tasks.analyze", "tasks.assemble"])


def connect(configuration: Configuration) -> None:
    """Point the app at a broker."""
    app.conf.broker_url = configuration.broker
    app.conf.result_backend = configuration.broker
    app.conf.broker_transport_options = {
        # Renewed while the worker lives (see workers.lease), so it need not exceed a chunk's time.
        "visibility_timeout": configuration.lease_seconds,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }
    app.conf.facemirror = configuration


app.conf.update(
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_default_queue=ANALYZE_QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_track_started=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_soft_shutdown_timeout=10.0,
    worker_proc_alive_timeout=60.0,
    worker_send_task_events=True,
    task_send_sent_event=True,
    broker_connection_retry_on_startup=True,
    # Chord counters live as long as results: the longest gap between two chunks of a recording.
    result_expires=WEEK,
)
app.steps["consumer"].add(LeaseRenewal)
connect(Configuration.from_environment())
