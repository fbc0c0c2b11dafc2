"""How a study is: counts, speed, who works on what; as a table and as JSON."""

from typing import Literal

import msgspec
import redis
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tasks.messages import RecordingOrder, RecordingOutcome, RecordingPlan
from tasks.register import RegisterError, files_of
from tasks.store import PACE, RecordingProgress
from tasks.studies import StudyStore
from workers.process.broker import text
from workers.process.presence import WorkerPresence, present_workers
from workers.process.queues import FILES_QUEUE

State = Literal["waiting", "reading", "running", "done", "failed", "cancelled"]
COLOURS: dict[State, str] = {"done": "green", "failed": "red", "cancelled": "yellow"}
STATES: tuple[State, ...] = ("waiting", "reading", "running", "done", "failed", "cancelled")
LISTED = 30


class ChunkCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Chunks of the recordings that are begun or ended. waiting: on Redis or still to be sent."""

    done: int = 0
    running: int = 0
    waiting: int = 0
    failed: int = 0


class RecordingStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One recording. frames: in all, None before it is read."""

    id: str
    name: str
    state: State
    frames: int | None = None
    frames_done: int = 0
    chunks: ChunkCounts = ChunkCounts()
    workers: tuple[str, ...] = ()
    reason: str = ""
    warnings: tuple[str, ...] = ()


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that is there. on: what it has in hand of this study."""

    name: str
    provider: str
    on: tuple[str, ...]
    frames_per_second: float | None


class StudyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A study. seconds_left: None where nothing is known yet, or nobody works on it."""

    id: str
    name: str
    recordings: tuple[RecordingStatus, ...]
    workers: tuple[WorkerStatus, ...]
    server: bool
    frames_per_second: float
    seconds_left: float | None

    @property
    def ended(self) -> bool:
        """Whether every recording has ended."""
        return all(one.state in ("done", "failed", "cancelled") for one in self.recordings)

    def count(self, state: State) -> int:
        """How many recordings are in a state."""
        return sum(1 for one in self.recordings if one.state == state)

    @property
    def chunks(self) -> ChunkCounts:
        """The chunks of all recordings."""
        counts = [one.chunks for one in self.recordings]
        return ChunkCounts(
            done=sum(one.done for one in counts),
            running=sum(one.running for one in counts),
            waiting=sum(one.waiting for one in counts),
            failed=sum(one.failed for one in counts),
        )


def status_json(status: StudyStatus) -> bytes:
    """All of it, and what follows from it."""
    follows = {"ended": status.ended, "chunks": status.chunks}
    whole = {**msgspec.to_builtins(status), **msgspec.to_builtins(follows)}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def read_status(client: "redis.Redis", store: StudyStore) -> StudyStatus:
    """How a study is now. Names of a pseudonymized one are shown where the register is."""
    study = store.study()
    outcomes, begun, orders = store.outcomes(), set(store.begun()), store.orders()
    present = {worker.name: worker for worker in present_workers(client)}
    recordings = tuple(
        _recording(store, order, outcomes.get(order.id), order.id in begun, present)
        for order in orders.values()
    )
    pace = {text(k): float(v) for k, v in client.hgetall(PACE).items()}
    workers = tuple(_worker(worker, recordings, pace) for worker in present.values())
    speed = sum(w.frames_per_second or 0.0 for w in workers if w.on)
    return StudyStatus(
        id=store.id,
        name=study.name if study else store.id,
        recordings=recordings,
        workers=tuple(w for w, p in zip(workers, present.values(), strict=True) if not _files(p)),
        server=any(_files(worker) for worker in present.values()),
        frames_per_second=round(speed, 2),
        seconds_left=_seconds_left(recordings, speed),
    )


def _files(worker: WorkerPresence) -> bool:
    return FILES_QUEUE in worker.queues


def _recording(
    store: StudyStore,
    order: RecordingOrder,
    outcome: RecordingOutcome | None,
    begun: bool,
    present: dict[str, WorkerPresence],
) -> RecordingStatus:
    name = _name(order)
    if outcome is not None:
        return RecordingStatus(
            id=order.id,
            name=name,
            state=outcome.status,
            frames=outcome.frames or None,
            frames_done=outcome.frames,
            chunks=ChunkCounts(done=outcome.chunks),
            reason=outcome.reason,
            warnings=outcome.warnings,
        )
    if not begun:
        return RecordingStatus(id=order.id, name=name, state="waiting")
    recording = store.recording(order.id)
    plan, progress = recording.plan(), recording.progress()
    if plan is None:
        return RecordingStatus(id=order.id, name=name, state="reading")
    return RecordingStatus(
        id=order.id,
        name=name,
        state="running",
        frames=plan.frames,
        frames_done=progress.frames,
        chunks=_chunks(plan, progress, present),
        workers=tuple(sorted({w for w in progress.in_hand.values() if w in present})),
    )


def _chunks(
    plan: RecordingPlan, progress: RecordingProgress, present: dict[str, WorkerPresence]
) -> ChunkCounts:
    running = sum(worker in present for worker in progress.in_hand.values())
    ended = progress.analysed + progress.failed
    return ChunkCounts(
        done=progress.analysed,
        running=running,
        failed=progress.failed,
        waiting=max(0, len(plan.chunks) - ended - running),
    )


def _worker(
    worker: WorkerPresence, recordings: tuple[RecordingStatus, ...], pace: dict[str, float]
) -> WorkerStatus:
    return WorkerStatus(
        name=worker.name,
        provider=worker.provider,
        on=tuple(one.name for one in recordings if worker.name in one.workers),
        frames_per_second=pace.get(worker.name),
    )


def _name(order: RecordingOrder) -> str:
    try:
        return files_of(order).name
    except RegisterError:
        return order.label


def _seconds_left(recordings: tuple[RecordingStatus, ...], speed: float) -> float | None:
    known = [one.frames for one in recordings if one.frames]
    if not speed or not known:
        return None
    usual = sum(known) / len(known)
    open_ones = [one for one in recordings if one.state in ("waiting", "reading", "running")]
    left = sum((one.frames or usual) - one.frames_done for one in open_ones)
    return round(left / speed, 1)


def render(status: StudyStatus) -> RenderableType:
    """The study as people look at it."""
    counts = ", ".join(f"{status.count(s)} {s}" for s in STATES if status.count(s))
    chunks = status.chunks
    ended = status.count("done") + status.count("failed") + status.count("cancelled")
    lines: list[RenderableType] = [
        Text(f"study {status.id} ({status.name}): {counts or 'no recordings'}", style="bold"),
        Padding(ProgressBar(total=max(1, len(status.recordings)), completed=ended, width=60), 0),
        Text(
            f"chunks: {chunks.done} done, {chunks.running} running, {chunks.waiting} waiting, "
            f"{chunks.failed} failed; {status.frames_per_second:.1f} frames/s; "
            f"{_time_left(status)}"
        ),
    ]
    if not status.ended and not status.server:
        lines.append(Text("no server answers: start 'facemirror server'", style="red"))
    if not status.ended and not status.workers:
        lines.append(Text("no worker answers: start 'facemirror worker' on a Mac", style="red"))
    for worker in status.workers:
        doing = ", ".join(worker.on) or "nothing of this study"
        lines.append(Text(f"{worker.name} ({worker.provider}): {doing}", style="cyan"))
    return Group(*lines, _table(status))


def _time_left(status: StudyStatus) -> str:
    if status.ended:
        return "ended"
    if status.seconds_left is None:
        return "time left not known yet"
    minutes, seconds = divmod(round(status.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"about {hours}:{minutes:02}:{seconds:02} left"


def _table(status: StudyStatus) -> Table:
    """What is going on and what went wrong first; the rest is counted."""
    urgency = ("running", "reading", "failed", "cancelled", "waiting", "done")
    listed = sorted(status.recordings, key=lambda one: urgency.index(one.state))
    table = Table(box=None, pad_edge=False)
    for heading in ("recording", "state", "frames", "", ""):
        table.add_column(heading, overflow="fold")
    for one in listed[:LISTED]:
        frames = f"{one.frames_done}/{one.frames}" if one.frames else ""
        remarks = one.reason or "; ".join(one.warnings)
        state = Text(one.state, style=COLOURS.get(one.state, "cyan"))
        table.add_row(one.name, state, frames, ", ".join(one.workers), remarks)
    if len(listed) > LISTED:
        table.add_row(f"… and {len(listed) - LISTED} more: --json lists all", "", "", "", "")
    return table
