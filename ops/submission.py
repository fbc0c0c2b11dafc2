"""Handing recordings to ingest and waiting for what becomes of them."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks.assemble import assemble
from tasks.ingest import ingest
from tasks.messages import RecordingOrder, RecordingOutcome, RunSettings
from tasks.store import RecordingStore
from workers.app import ANALYZE_QUEUE, app
from workers.broker import redis_client

RECONCILE_SECONDS = 20.0
"""How long all chunks may be done before assemble is started once more."""


@dataclass(slots=True)
class Submission:
    """One recording on its way."""

    source: Path
    order: RecordingOrder
    store: RecordingStore
    all_done_since: float | None = None
    outcome: RecordingOutcome | None = field(default=None)

    @property
    def name(self) -> str:
        """What the outputs are called."""
        return self.order.name

    def frames(self) -> tuple[int, int | None]:
        """How many frames are finished, and of how many; None before the recording is listed."""
        plan = self.store.plan()
        return self.store.finished_frames(), None if plan is None else plan.frames

    def poll(self) -> RecordingOutcome | None:
        """What became of it, None while it is on its way."""
        if self.outcome is None:
            self.outcome = self.store.outcome()
        return self.outcome

    def reconcile(self, now: float) -> None:
        """Start assemble again where the chord lost its callback (a worker killed in between)."""
        plan = self.store.plan()
        if plan is None or not self._all_chunks_done(len(plan.chunks)):
            self.all_done_since = None
        elif self.all_done_since is None:
            self.all_done_since = now
        elif now - self.all_done_since > RECONCILE_SECONDS:
            self.all_done_since = now
            assemble.apply_async((self.order.id,), queue=self.order.files_queue)

    def _all_chunks_done(self, chunks: int) -> bool:
        return bool(self.store.failures()) or len(self.store.reports()) == chunks


def queue_length(queue: str) -> int:
    """How many tasks wait on a queue."""
    return int(redis_client(app.conf.broker_url).llen(queue))


def submit(
    source: Path, name: str, out: Path, settings: RunSettings, *, files_queue: str, spread: int
) -> Submission:
    """Send one recording on its way; see `RecordingOrder` for what the arguments mean."""
    order = RecordingOrder(
        id=f"{time.strftime('%Y%m%d')}-{secrets.token_hex(6)}",
        name=name,
        source=str(source),
        output=str(out),
        settings=settings,
        files_queue=files_queue,
        analyze_queue=ANALYZE_QUEUE,
        spread=spread,
    )
    store = RecordingStore(redis_client(app.conf.broker_url), order.id)
    store.put_order(order)
    ingest.apply_async((order.id,), queue=files_queue, argsrepr=f"({name})")
    return Submission(source, order, store)


def withdraw(submission: Submission) -> None:
    """Forget a recording: its chunks are skipped, and nothing of it stays on Redis."""
    submission.store.finish(RecordingOutcome(status="failed", reason="stopped"))


def leftovers(submission: Submission) -> Iterator[Path]:
    """Half-written folders that a stopped assemble has left."""
    folder = Path(submission.order.output) / submission.name
    yield from folder.glob(f".partial-{submission.order.id}-*")
