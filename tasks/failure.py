"""A recording that failed, as Celery and Flower show it."""

from celery.utils.log import get_task_logger

from tasks.messages import RecordingOrder, RecordingOutcome
from tasks.register import without_names
from tasks.store import RecordingStore

logger = get_task_logger(__name__)


class RecordingError(Exception):
    """Ends the task of a recording that failed, so that it is red in Flower. Says why."""


def stop_if_told(error: BaseException) -> None:
    """Raise the SystemExit that an error was caused by, if it was.

    A worker that is told to stop raises it wherever it is. Where that is an extension module that
    is just being imported, it comes out as an ImportError, and would fail the recording.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SystemExit):
            raise cause
        cause = cause.__cause__ or cause.__context__


def fail(store: RecordingStore, order: RecordingOrder, reason: str) -> RecordingError:
    """Store why a recording failed; returns what to raise once the error behind it is handled:
    raised before, it would carry that error along, which tells names."""
    said = without_names(reason, order)
    logger.warning("%s: failed: %s", order.label, said)
    store.finish(RecordingOutcome(status="failed", reason=said))
    return RecordingError(said if said.startswith(order.label) else f"{order.label}: {said}")
