"""Assemble: the chord callback that turns chunk results into a recording's files.

It takes what is done from Redis to the disk (tasks.outputs.spool) and, once every chunk is there,
writes the outputs. It trusts the plan and what is stored, not the chord: it may run early, twice,
or with an empty list. Runs where the output folder is.
"""

import redis
from celery.utils.log import get_task_logger

from tasks.failure import RecordingError, fail, stop_if_told
from tasks.messages import RecordingPlan
from tasks.outputs.spool import ChunkSpool
from tasks.register import files_of
from tasks.store import RecordingStore
from workers.process.app import app
from workers.process.broker import shared_client

logger = get_task_logger(__name__)

WAIT_SECONDS = 3


@app.task(  # type: ignore[untyped-decorator]
    name="assemble",
    bind=True,
    autoretry_for=(redis.ConnectionError, redis.TimeoutError),
    throws=(RecordingError,),
    retry_backoff=True,
    max_retries=None,
)
def assemble(self, recording: str, part: int) -> str:  # type: ignore[no-untyped-def]
    """Take a part of a recording, and finish the recording once it is whole; returns how far.

    Raises RecordingError.
    """
    store = RecordingStore(shared_client(app.conf.broker_url), recording)
    plan = store.plan()
    if plan is None or store.outcome() is not None:
        return "nothing to do"
    label = plan.order.label
    failures = store.failures()
    if failures:
        raise _fail(store, plan, _first_failure(plan, failures))
    try:
        done = _take_part(plan, part, store)
        if len(done) == len(plan.chunks):
            said = _finish(plan, store)
            logger.info("%s: %s", label, said)
            return f"{label}: {said}"
    except redis.RedisError:
        raise
    except Exception as error:
        stop_if_told(error)
        if store.outcome() is not None:
            return "nothing to do"  # another callback was faster, and has taken the results away
        logger.info("%s cannot be written", label, exc_info=plan.order.files is not None)
        failure = _fail(store, plan, str(error) or type(error).__name__)
    else:
        if not done.issuperset(range(*plan.parts[part])):
            raise self.retry(countdown=WAIT_SECONDS)
        return f"{label}: {len(done)} of {len(plan.chunks)} chunks"
    raise failure


def _first_failure(plan: RecordingPlan, failures: dict[int, str]) -> str:
    index = min(failures)
    chunk = plan.chunks[index]
    return f"frames {chunk.start}-{chunk.stop - 1}: {failures[index]}"


def _fail(store: RecordingStore, plan: RecordingPlan, reason: str) -> RecordingError:
    error = fail(store, plan.order, reason)
    ChunkSpool(files_of(plan.order), plan.order.id).remove()
    return error


def _take_part(plan: RecordingPlan, part: int, store: RecordingStore) -> set[int]:
    """Move what is done of a part from Redis to the disk; returns which chunks are on the disk.

    Each callback takes its own part, so that two side by side never take the same, and what it took
    last tells which one makes the recording whole: that one writes the outputs.
    """
    spool = ChunkSpool(files_of(plan.order), plan.order.id)
    taken = []
    for k in sorted(store.ready().intersection(range(*plan.parts[part]))):
        packed = store.result(k)
        if packed is not None:  # else another callback has it
            spool.put(k, packed)
            taken.append(k)
    if not taken:
        return store.taken_away()
    spool.settle()
    done = store.take_away(taken)
    if store.outcome() is not None:
        spool.remove()  # cancelled meanwhile
    return done


def _finish(plan: RecordingPlan, store: RecordingStore) -> str:
    from tasks.outputs.folder import write_outputs

    files = files_of(plan.order)
    outcome = write_outputs(plan, files, app.conf.facemirror.weights)
    store.finish(outcome)
    ChunkSpool(files, plan.order.id).remove()
    return f"{outcome.frames} frames done"
