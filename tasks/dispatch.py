"""Keeping studies moving: begins recordings, sends their parts, and mends what got lost.

All that matters is on Redis, so that a dispatcher may be killed and started anew at any moment. One
dispatcher serves one files queue.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from tasks.admission import BegunRecording, OpenStudy, Part, admit
from tasks.assemble import assemble
from tasks.feed import feed, recording_queue, send_part
from tasks.ingest import frame_result_bytes, ingest
from tasks.messages import RecordingFiles, RecordingOrder, RecordingPlan
from tasks.open_studies import OpenStudies, StudyView, files_if_known
from tasks.outputs.spool import ChunkSpool
from tasks.store import (
    RecordingProgress,
    RecordingStore,
    held_bytes,
    progress_of,
    stored_bytes,
)
from tasks.studies import StudyStore
from workers.process.broker import messages_in_hand, queue_length
from workers.process.presence import present_workers
from workers.process.queues import ORDINARY, URGENT

STALLED_SECONDS = 20.0
"""How long a recording may stand still until it is looked at."""

LOST_SECONDS = 180.0
"""How long until chunks that are on no queue are sent again, though workers have others in hand."""

PRESENCE_SECONDS = 1.0
PARTS_SEEN = 32


@dataclass(slots=True)
class _UnderWay:
    """What a dispatcher remembers of a recording that is begun; all of it can be found again."""

    order: RecordingOrder
    store: RecordingStore
    files: RecordingFiles | None
    plan: RecordingPlan | None = None
    asked: dict[int, int] = field(default_factory=dict)  # parts that feed was asked for: bytes
    seen: RecordingProgress | None = None
    since: float = 0.0  # when it last moved
    mended: float = float("-inf")
    told: BegunRecording = field(init=False)  # what admission has to know of it

    def __post_init__(self) -> None:
        self.tell()

    @property
    def promised(self) -> int:
        """Bytes that feed was asked to put on Redis and has not, or not wholly."""
        return sum(self.asked.values())

    @property
    def sent(self) -> int:
        """How many parts are sent, or asked for."""
        fed = 0 if self.seen is None else self.seen.fed
        return max([fed, *(part + 1 for part in self.asked)])

    @property
    def outstanding(self) -> int:
        """Chunks that are sent, or asked for, and not done."""
        if self.plan is None or self.seen is None:
            return 0
        chunks = self.plan.chunks
        first = self.plan.parts[self.sent][0] if self.sent < len(self.plan.parts) else len(chunks)
        return first - self.seen.analysed

    @property
    def moves(self) -> bool:
        """Whether something goes on with it; else it waits until a part of it is admitted."""
        if self.plan is None or self.seen is None or self.sent == len(self.plan.parts):
            return True
        return bool(self.asked or self.outstanding or self.seen.here)

    def tell(self) -> None:
        """Make `told` what is known now."""
        queue = recording_queue(self.order, None if self.seen is None else self.seen.claimed)
        urgent = self.order.priority == "high"
        if self.plan is None or self.seen is None:
            self.told = BegunRecording(id=self.order.id, urgent=urgent, queue=queue, planned=False)
            return
        self.told = BegunRecording(
            id=self.order.id,
            urgent=urgent,
            queue=queue,
            outstanding=self.outstanding,
            here=self.seen.here,
            feeding=bool(self.asked),
            parts=_parts(self.plan, self.sent, self.seen.frame_result_bytes),
        )

    @property
    def folder(self) -> tuple[str, str] | None:
        """Where its outputs go."""
        return None if self.files is None else (self.files.output, self.files.name)


class Dispatcher:
    """Call `step` a few times a second."""

    def __init__(
        self,
        client: "redis.Redis",
        files_queue: str,
        budget: int,
        clock: Callable[[], float],
    ) -> None:
        """budget: bytes that chunks and results may hold on Redis; clock: seconds."""
        self._redis = client
        self._queue = files_queue
        self._budget = budget
        self._clock = clock
        self._studies = OpenStudies(client, files_queue, clock)
        self._under_way: dict[str, _UnderWay] = {}
        self._readers: dict[str, frozenset[str]] = {}
        self._workers_read = float("-inf")

    def step(self) -> None:
        """Do what can be done now. Raises redis.RedisError; then call it again later."""
        now = self._clock()
        views = self._studies.look()
        self._take_up_and_forget(views)
        self._read_progress(now)
        studies = self._open_studies(views)
        promised = sum(one.promised for one in self._under_way.values())
        held = held_bytes(self._redis) + promised
        admitted = admit(studies, self._present_readers(now), held, self._budget)
        stores = {view.store.id: view.store for view in views}
        for recording in admitted.begin:
            self._begin(stores[_study(recording)], recording, now)
        self._feed(admitted.send, now)

    def _feed(self, admitted: list[tuple[str, Part]], now: float) -> None:
        """Ask for parts: one message for all of a recording, as they have to go in order."""
        parts: dict[str, list[Part]] = {}
        for recording, part in admitted:
            parts.setdefault(recording, []).append(part)
        for recording, asked in parts.items():
            one = self._under_way[recording]
            one.asked = {part.number: part.size for part in asked}
            one.since = now
            span = (asked[0].number, asked[-1].number + 1)
            # Before whole recordings are written: workers would wait for that.
            self._send(feed, one.order, (recording, *span), URGENT)

    def _take_up_and_forget(self, views: list[StudyView]) -> None:
        """Take up what a dispatcher that is gone has begun; drop what has an outcome, and what a
        cancelled recording has left on the disk."""
        begun = {recording: view.store for view in views for recording in view.begun}
        for recording in self._under_way.keys() - begun.keys():
            one = self._under_way.pop(recording)
            if one.files is not None:
                ChunkSpool(one.files, recording).remove()
        for recording in begun.keys() - self._under_way.keys():
            self._take_up(begun[recording], recording)
            if recording in self._under_way:
                self._ask_for_plan(recording)

    def _open_studies(self, views: list[StudyView]) -> list[OpenStudy]:
        taken = {one.folder for one in self._under_way.values()} - {None}
        found = []
        for view in views:
            waiting = []
            for recording, folder in view.waiting:
                # Two recordings for one folder, as of a study submitted twice, go one after the
                # other.
                if folder is None or folder not in taken:
                    waiting.append(recording)
                    taken.add(folder)
            under_way = (self._under_way.get(recording) for recording in view.begun)
            begun = tuple(one.told for one in under_way if one is not None)
            found.append(OpenStudy(begun=begun, waiting=tuple(waiting)))
        return found

    def _read_progress(self, now: float) -> None:
        """Look at all recordings that something goes on with."""
        moving = [one for one in self._under_way.values() if one.moves]
        stores = [one.store for one in moving]
        for one, progress in zip(moving, progress_of(self._redis, stores), strict=True):
            self._look_at(one, progress, now)

    def _look_at(self, one: _UnderWay, progress: RecordingProgress, now: float) -> None:
        one.plan = one.plan or one.store.plan()
        if progress != one.seen:
            one.seen, one.since = progress, now
        elif now - max(one.since, one.mended) > STALLED_SECONDS:
            one.mended = now
            self._mend(one, progress, now - one.since)
        if one.plan is not None:
            one.asked = {part: size for part, size in one.asked.items() if part >= progress.fed}
        one.tell()

    def _begin(self, store: StudyStore, recording: str, now: float) -> None:
        store.begin(recording)
        self._studies.read_again(store.id)
        self._take_up(store, recording)
        if recording in self._under_way:
            self._under_way[recording].since = now
            self._ask_for_plan(recording)

    def _take_up(self, store: StudyStore, recording: str) -> None:
        order = store.order(recording)
        if order is not None:
            self._under_way[recording] = _UnderWay(
                order, RecordingStore(self._redis, recording), files_if_known(order)
            )

    def _ask_for_plan(self, recording: str) -> None:
        one = self._under_way[recording]
        self._send(ingest, one.order, (recording,), _priority(one.order))

    def _mend(self, one: _UnderWay, progress: RecordingProgress, still: float) -> None:
        """Start again what was lost with a process or a Redis that died at the wrong moment.

        still: seconds that it has not moved. Whatever is started twice by this does its work once:
        every task looks at what is there.
        """
        in_hand = messages_in_hand(self._redis)
        nothing_of_ours = not in_hand and not queue_length(self._redis, self._queue)
        if nothing_of_ours:
            one.asked.clear()
            if one.plan is None:
                self._ask_for_plan(one.order.id)
        if one.plan is None:
            return
        done, here = one.store.taken_away(), one.store.ready()
        failed = bool(one.store.failures())
        queue = recording_queue(one.order, progress.claimed)
        lost = not queue_length(self._redis, queue) and (not in_hand or still > LOST_SECONDS)
        if len(done) == len(one.plan.chunks) and (nothing_of_ours or still > LOST_SECONDS):
            # All was taken to the disk, and whoever was to write the outputs of it is gone.
            self._send(assemble, one.order, (one.order.id, len(one.plan.parts) - 1), URGENT)
        for part in range(progress.fed):
            missing = set(range(*one.plan.parts[part])) - done
            if failed or (missing and missing <= here):
                self._send(assemble, one.order, (one.order.id, part), URGENT)
            elif missing and lost:
                send_part(one.plan, part, progress.claimed)

    def _send(self, task: object, order: RecordingOrder, arguments: object, priority: int) -> None:
        task.apply_async(  # type: ignore[attr-defined]
            arguments,
            queue=order.files_queue,
            priority=priority,
            argsrepr=order.label,
            kwargsrepr="",
        )

    def _present_readers(self, now: float) -> dict[str, frozenset[str]]:
        if now - self._workers_read >= PRESENCE_SECONDS:
            self._workers_read = now
            self._readers = {}
            for worker in present_workers(self._redis):
                for queue in worker.queues:
                    self._readers[queue] = self._readers.get(queue, frozenset()) | {worker.name}
        return self._readers


def _parts(plan: RecordingPlan, sent: int, frame_results: float | None) -> tuple[Part, ...]:
    """The parts still to be sent; sizes with what results have taken so far on average."""
    results = frame_results or frame_result_bytes(plan.width, plan.height)
    found = []
    for number in range(sent, min(len(plan.parts), sent + PARTS_SEEN)):
        chunks = plan.chunks[slice(*plan.parts[number])]
        size = sum(stored_bytes(c.segment_bytes) + c.frames * results for c in chunks)
        found.append(Part(number, len(chunks), round(size)))
    return tuple(found)


def _priority(order: RecordingOrder) -> int:
    return URGENT if order.priority == "high" else ORDINARY


def _study(recording: str) -> str:
    return recording.rpartition(".")[0]
