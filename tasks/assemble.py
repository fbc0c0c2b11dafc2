"""Assemble: the chord callback that turns chunk results into a recording's files.

It trusts the plan and what is stored, not the chord: the callback may run early, twice, or with an
empty list. Runs where the output folder is.
"""

import redis
from celery.utils.log import get_task_logger

from tasks.messages import ChunkReport, RecordingOutcome, RecordingPlan
from tasks.store import RecordingStore
from workers.app import app
from workers.broker import redis_client

logger = get_task_logger(__name__)

WAIT_SECONDS = 3


@app.task(  # type: ignore[untyped-decorator]
    name="assemble",
    bind=True,
    autoretry_for=(redis.ConnectionError, redis.TimeoutError),
    retry_backoff=True,
    max_retries=None,
)
def assemble(self, recording: str) -> str:  # type: ignore[no-untyped-def]
    """Write the outputs of a recording whose chunks are done; returns its id."""
    store = RecordingStore(redis_client(app.conf.broker_url), recording)
    plan = store.plan()
    if plan is None:
        return recording
    failures = store.failures()
    reports = store.reports()
    outcome = store.outcome()
    if outcome is None and failures:
        outcome = RecordingOutcome(status="failed", reason=_first_failure(plan, failures))
    if outcome is None and set(reports) != set(range(len(plan.chunks))):
        raise self.retry(countdown=WAIT_SECONDS)
    if outcome is None:
        outcome = _write(plan, store, [reports[k] for k in range(len(plan.chunks))])
    # Another callback may have finished first, and taken the results away: its outcome stands.
    store.finish(outcome)
    logger.info("%s: %s %s", plan.order.name, outcome.status, outcome.reason)
    return recording


@app.task(name="abandon")  # type: ignore[untyped-decorator]
def abandon(recording: str) -> str:
    """Close a recording whose chord broke, as when a chunk was stopped at its hard time limit."""
    store = RecordingStore(redis_client(app.conf.broker_url), recording)
    plan = store.plan()
    if plan is not None and store.outcome() is None:
        failures = store.failures() or {0: "a worker was stopped, or lost Redis, while analysing"}
        store.finish(RecordingOutcome(status="failed", reason=_first_failure(plan, failures)))
    return recording


def _first_failure(plan: RecordingPlan, failures: dict[int, str]) -> str:
    index = min(failures)
    start, stop = plan.chunks[index]
    return f"frames {start}-{stop - 1}: {failures[index]}"


def _write(
    plan: RecordingPlan, store: RecordingStore, reports: list[ChunkReport]
) -> RecordingOutcome:
    from tasks.outputs import write_outputs

    try:
        return write_outputs(plan, reports, store)
    except redis.RedisError:
        raise
    except Exception as error:
        logger.exception("%s", plan.order.name)
        return RecordingOutcome(status="failed", reason=str(error) or type(error).__name__)
