"""Assemble: the chord callback that turns chunk results into a recording's files.

It trusts the plan and what is stored, not the chord: the callback may run early, twice, or with an
empty list. Runs where the output folder is.
"""

from celery.utils.log import get_task_logger

from tasks.messages import ChunkReport, RecordingOutcome, RecordingPlan
from tasks.store import RecordingStore
from workers.app import app
from workers.broker import redis_client

logger = get_task_logger(__name__)

LOCK_SECONDS = 600
WAIT_SECONDS = 3


@app.task(name="assemble", bind=True, max_retries=None)  # type: ignore[untyped-decorator]
def assemble(self, recording: str) -> str:  # type: ignore[no-untyped-def]
    """Write the outputs of a recording whose chunks are done; returns its id."""
    store = RecordingStore(redis_client(app.conf.broker_url), recording)
    plan = store.plan()
    if plan is None or store.outcome() is not None:
        return recording
    failures = store.failures()
    if failures:
        store.finish(RecordingOutcome(status="failed", reason=_first_failure(plan, failures)))
        return recording
    reports = store.reports()
    lock = store.assembly_lock(LOCK_SECONDS)
    if set(reports) != set(range(len(plan.chunks))) or lock.locked():
        raise self.retry(countdown=WAIT_SECONDS)
    with lock:
        outcome = _write(plan, store, [reports[k] for k in range(len(plan.chunks))])
    store.finish(outcome)
    logger.info("%s: %s %s", plan.order.name, outcome.status, outcome.reason)
    return recording


@app.task(name="abandon")  # type: ignore[untyped-decorator]
def abandon(recording: str) -> str:
    """Close a recording whose chord broke; runs when a chunk was stopped at its hard limit."""
    store = RecordingStore(redis_client(app.conf.broker_url), recording)
    plan = store.plan()
    if plan is not None and store.outcome() is None:
        failures = store.failures() or {0: "a worker was stopped at the hard time limit"}
        store.finish(RecordingOutcome(status="failed", reason=_first_failure(plan, failures)))
    return recording


def _first_failure(plan: RecordingPlan, failures: dict[int, str]) -> str:
    index = min(failures)
    start, stop = plan.chunks[index]
    return f"frames {start}-{stop - 1}: {failures[index]}"


def _write(
    plan: RecordingPlan, store: RecordingStore, reports: list[ChunkReport]
) -> RecordingOutcome:
    from tasks.outputs import OutputError, write_outputs
    from workers.video.errors import VideoError

    try:
        return write_outputs(plan, reports, store)
    except (OSError, OutputError, VideoError) as error:
        return RecordingOutcome(status="failed", reason=str(error))
