"""Admission control: which recordings may put how much on Redis now. Pure: no Redis, no clock.

A part (some chunks that are sent together) is admitted when a worker will want it soon and it fits
into the budget. Urgent recordings come first; studies take turns; within a study, recordings and
their parts keep their order. So Redis holds what keeps workers busy, and no more.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace

CHUNKS_A_WORKER = 3
"""Chunks that are on their way for each worker: one in hand, the others waiting."""

REFILLED_AT = 2
"""More are sent when fewer than this are left for each worker, and then many: who goes on in the
middle of a recording reads its file from the beginning."""

FEWEST_CHUNKS = 4
PLANNED_AHEAD = 2
"""Recordings of a study that are begun and not wholly sent, at a time."""

PLANNED_AT_ONCE = 8
"""Recordings of all studies that are being planned, at a time: what is to be fed goes the same way,
and must not wait for thousands."""

LARGEST_PART = 8
PARTS_IN_BUDGET = 8


@dataclass(frozen=True, slots=True)
class Part:
    """The next part of a recording: its number, its chunks, and bytes with all results."""

    number: int
    chunks: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunRecording:
    """A recording on its way.

    queue: where its chunks go; outstanding: chunks that are sent (or about to be) and not done;
    here: chunks that are done and whose results are still on Redis; feeding: parts of it are being
    sent, which further ones would only wait for; parts: what is still to be sent, in order;
    planned: False until it is known how it is cut.
    """

    id: str
    urgent: bool
    queue: str
    outstanding: int = 0
    here: int = 0
    feeding: bool = False
    parts: tuple[Part, ...] = ()
    planned: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStudy:
    """A study on its way. waiting: ids of its next recordings."""

    begun: tuple[BegunRecording, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def outstanding(self) -> int:
        """Chunks that are sent and not done."""
        return sum(recording.outstanding for recording in self.begun)


@dataclass(slots=True)
class Admissions:
    """What may go ahead: recordings to begin, and (recording, part) to send."""

    begin: list[str] = field(default_factory=list)
    send: list[tuple[str, Part]] = field(default_factory=list)


_Turn = tuple[int, int, str, BegunRecording]
"""Chunks of its study that are under way, the study's place, the recording's id; then itself."""


def admit(
    studies: Sequence[OpenStudy], readers: Mapping[str, frozenset[str]], held: int, budget: int
) -> Admissions:
    """Decide what may go ahead.

    studies: oldest first; readers: the workers that read each queue; held, budget: bytes on Redis.
    """
    admissions = Admissions(begin=_to_begin(studies))
    turns = _Turns(studies, readers)
    while (turn := turns.next()) is not None:
        recording, part = turn
        if held + part.size > budget and not turns.alone(recording):
            break  # nobody overtakes what is waiting for room
        held += part.size
        admissions.send.append((recording.id, part))
        turns.take()
    return admissions


def _to_begin(studies: Sequence[OpenStudy]) -> list[str]:
    """The recordings to be planned next."""
    begin: list[str] = []
    planning = sum(not one.planned for study in studies for one in study.begun)
    for study in studies:
        unsent = sum(1 for recording in study.begun if recording.parts or not recording.planned)
        room = min(PLANNED_AHEAD - unsent, PLANNED_AT_ONCE - planning - len(begin))
        begin += study.waiting[: max(0, room)]
    return begin


@dataclass(slots=True)
class _Load:
    """What is on its way to the workers of a queue: chunks, of urgent recordings and of all; and
    chunks done whose results are still on Redis."""

    urgent: int = 0
    all: int = 0
    here: int = 0

    def add(self, chunks: int, urgent: bool) -> None:
        self.all += chunks
        self.urgent += chunks if urgent else 0


class _Turns:
    """Whose turn it is, while parts are being given out.

    Thousands of recordings may wait on few queues, so all is counted by queue; recordings wait in
    heaps whose order is looked at again when one comes to the top, as it only ever grows.
    """

    def __init__(self, studies: Sequence[OpenStudy], readers: Mapping[str, frozenset[str]]) -> None:
        self._readers = readers
        self._under_way = [study.outstanding for study in studies]  # with what is given out now
        self._sent: dict[str, int] = {}  # parts given out now, by recording
        self._loads: dict[str, _Load] = defaultdict(_Load)
        self._waiting: dict[tuple[bool, str], list[_Turn]] = defaultdict(list)
        self._chosen: tuple[_Turn, Part] | None = None
        for place, study in enumerate(studies):
            for recording in study.begun:
                load = self._loads[recording.queue]
                load.add(recording.outstanding, recording.urgent)
                load.here += recording.here
                if recording.parts and not recording.feeding:
                    turn = (self._under_way[place], place, recording.id, recording)
                    self._waiting[not recording.urgent, recording.queue].append(turn)
        for waiting in self._waiting.values():
            heapify(waiting)
        self._refilled = {
            group
            for group in self._waiting
            if self._on_the_way(*group) < self._wanted(group[1], REFILLED_AT)
        }

    def next(self) -> tuple[BegunRecording, Part] | None:
        """The recording and its part that should go next; None where nobody wants any."""
        wanted = [
            ((group[0], *turn), turn)
            for group in self._refilled
            if self._on_the_way(*group) < self._wanted(group[1], CHUNKS_A_WORKER)
            and (turn := self._first(self._waiting[group])) is not None
        ]
        if not wanted:
            self._chosen = None
            return None
        turn = min(wanted)[1]
        recording = turn[-1]
        self._chosen = turn, recording.parts[self._sent.get(recording.id, 0)]
        return recording, self._chosen[1]

    def take(self) -> None:
        """The part that `next` gave is sent."""
        if self._chosen is not None:
            (_, place, _, recording), part = self._chosen
            self._sent[recording.id] = self._sent.get(recording.id, 0) + 1
            self._under_way[place] += part.chunks
            self._loads[recording.queue].add(part.chunks, recording.urgent)

    def alone(self, recording: BegunRecording) -> bool:
        """Whether nothing on Redis is going to make room by itself: these workers have no chunk to
        analyse, of whatever priority, and no results of theirs wait to be taken to the disk."""
        return not any(load.all or load.here for load in self._shared_loads(recording.queue))

    def _first(self, waiting: "list[_Turn]") -> "_Turn | None":
        """The first that has a part left, its place in the order being its true one."""
        while waiting:
            under_way, place, name, recording = waiting[0]
            if self._sent.get(name, 0) == len(recording.parts):
                heappop(waiting)
            elif under_way != self._under_way[place]:
                heapreplace(waiting, (self._under_way[place], place, name, recording))
            else:
                return waiting[0]
        return None

    def _wanted(self, queue: str, a_worker: int) -> int:
        """Chunks that should be on their way to the workers of a queue."""
        workers = len(self._workers(queue))
        return max(FEWEST_CHUNKS, a_worker * workers) if workers else 0

    def _on_the_way(self, ordinary: bool, queue: str) -> int:
        """Chunks on their way to the workers of a queue. Ordinary ones do not keep an urgent one
        waiting."""
        loads = self._shared_loads(queue)
        return sum(load.all if ordinary else load.urgent for load in loads)

    def _shared_loads(self, queue: str) -> list[_Load]:
        """Of all queues that any of these workers read."""
        mine = self._workers(queue)
        return [load for other, load in self._loads.items() if self._workers(other) & mine]

    def _workers(self, queue: str) -> frozenset[str]:
        return self._readers.get(queue, frozenset())


def group_chunks(sizes: Sequence[int], budget: int) -> tuple[tuple[int, int], ...]:
    """Parts [first, last) of neighbouring chunks, none larger than its share of the budget.

    sizes: bytes of each chunk with its results. A chunk that is larger makes a part by itself.
    """
    parts: list[tuple[int, int]] = []
    first, total = 0, 0
    for k, size in enumerate(sizes):
        full = k - first == LARGEST_PART or total + size > budget // PARTS_IN_BUDGET
        if k > first and full:
            parts.append((first, k))
            first, total = k, 0
        total += size
    if sizes:
        parts.append((first, len(sizes)))
    return tuple(parts)
