"""Admission control: which recordings may put how much on Redis now. Pure: no Redis, no clock.

A part (some chunks that are sent together) is admitted when a worker will want it soon and it fits
into the budget. Urgent recordings come first; studies take turns; within a study, recordings and
their parts keep their order. So Redis holds what keeps workers busy, and no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CHUNKS_A_WORKER = 3
"""Chunks that are on their way for each worker: one in hand, the others waiting."""

FEWEST_CHUNKS = 4
PLANNED_AHEAD = 2
"""Recordings of a study that are begun and not wholly sent, at a time."""

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
    here: chunks that are done and whose results are still on Redis; parts: what is still to be
    sent, in order; planned: False until it is known how it is cut.
    """

    id: str
    urgent: bool
    queue: str
    outstanding: int = 0
    here: int = 0
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


def admit(
    studies: Sequence[OpenStudy], readers: Mapping[str, frozenset[str]], held: int, budget: int
) -> Admissions:
    """Decide what may go ahead.

    studies: oldest first; readers: the workers that read each queue; held, budget: bytes on Redis.
    """
    admissions = Admissions()
    for study in studies:
        unsent = sum(1 for recording in study.begun if recording.parts or not recording.planned)
        admissions.begin += study.waiting[: max(0, PLANNED_AHEAD - unsent)]
    turns = _Turns(studies, readers)
    while (turn := turns.next()) is not None:
        recording, part = turn
        if held + part.size > budget and not turns.alone(recording):
            break  # nobody overtakes what is waiting for room
        held += part.size
        admissions.send.append((recording.id, part))
        turns.take()
    return admissions


class _Turns:
    """Whose turn it is, while parts are being given out."""

    def __init__(self, studies: Sequence[OpenStudy], readers: Mapping[str, frozenset[str]]) -> None:
        self._readers = readers
        self._studies = studies
        self._sent: dict[str, int] = {}  # parts given out now, by recording
        self._given: dict[str, int] = {}  # chunks given out now, by recording
        self._chosen: tuple[BegunRecording, Part] | None = None

    def next(self) -> tuple[BegunRecording, Part] | None:
        """The recording and its part that should go next; None where nobody wants any."""
        waiting = [
            (not recording.urgent, self._under_way(study), place, recording.id, recording)
            for place, study in enumerate(self._studies)
            for recording in study.begun
            if self._part(recording) is not None and self._is_wanted(recording)
        ]
        if not waiting:
            self._chosen = None
            return None
        recording = min(waiting)[-1]
        part = self._part(recording)
        self._chosen = None if part is None else (recording, part)
        return self._chosen

    def take(self) -> None:
        """The part that `next` gave is sent."""
        if self._chosen is not None:
            recording, part = self._chosen
            self._sent[recording.id] = self._sent.get(recording.id, 0) + 1
            self._given[recording.id] = self._given.get(recording.id, 0) + part.chunks

    def before(self, recording: BegunRecording) -> int:
        """Chunks on their way to workers that this recording may have; of urgent recordings only
        before an urgent one: ordinary chunks do not keep it waiting."""
        mine = self._workers(recording)
        return sum(
            other.outstanding + self._given.get(other.id, 0)
            for study in self._studies
            for other in study.begun
            if self._workers(other) & mine and (other.urgent or not recording.urgent)
        )

    def alone(self, recording: BegunRecording) -> bool:
        """Whether nothing on Redis is going to make room by itself: these workers have no chunk to
        analyse, of whatever priority, and no results of theirs wait to be taken to the disk."""
        mine = self._workers(recording)
        return not any(
            other.outstanding or other.here or self._given.get(other.id, 0)
            for study in self._studies
            for other in study.begun
            if self._workers(other) & mine
        )

    def _workers(self, recording: BegunRecording) -> frozenset[str]:
        return self._readers.get(recording.queue, frozenset())

    def _part(self, recording: BegunRecording) -> Part | None:
        sent = self._sent.get(recording.id, 0)
        return recording.parts[sent] if sent < len(recording.parts) else None

    def _is_wanted(self, recording: BegunRecording) -> bool:
        workers = len(self._workers(recording))
        wanted = max(FEWEST_CHUNKS, CHUNKS_A_WORKER * workers) if workers else 0
        return self.before(recording) < wanted

    def _under_way(self, study: OpenStudy) -> int:
        given = sum(self._given.get(recording.id, 0) for recording in study.begun)
        return study.outstanding + given


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
