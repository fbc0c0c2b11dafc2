"""The open studies, as a dispatcher sees them: read again where something moved.

Thousands of studies may be open. Whoever makes a recording wait or end says so on a stream, so a
look costs what has moved, however many have not. A few of the others are read again in turn, and
the list of all now and then: nothing is missed for long, even where Redis has forgotten.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec
import redis

from tasks.messages import RecordingFiles, RecordingOrder, Study
from tasks.register import RegisterError, files_of
from tasks.store import MOVES
from tasks.studies import StudyStore, open_study_ids
from workers.process.broker import text

WAITING_SEEN = 8
READ_IN_TURN = 4
"""Studies that are read again at each look, though nothing said that they have moved."""

LISTED_SECONDS = 30.0
"""How often all are listed, though nothing said that there is a new one."""

READ_AT_ONCE = 500
MOVES_AT_ONCE = 1000

_Moves = list[tuple[bytes, dict[bytes, bytes]]]

Folder = tuple[str, str]
"""Where a recording's outputs go: RecordingFiles.output and name."""


@dataclass(frozen=True, slots=True)
class StudyView:
    """What was last read of a study. begun: ids of its recordings on their way; waiting: those of
    the next ones, with their folders, None where the register does not tell."""

    store: StudyStore
    created: float
    begun: tuple[str, ...]
    waiting: tuple[tuple[str, Folder | None], ...]


class OpenStudies:
    """The open studies of one files queue."""

    def __init__(self, client: "redis.Redis", files_queue: str, clock: Callable[[], float]) -> None:
        self._redis = client
        self._queue = files_queue
        self._clock = clock
        self._seen: str | None = None  # the last move
        self._listed = float("-inf")
        self._turns: dict[str, None] = {}  # in the order in which they are read again
        self._views: dict[str, StudyView] = {}

    def look(self) -> list[StudyView]:
        """All of them, oldest first, as they are or were a moment ago."""
        now = self._clock()
        ids = self._moved()
        if now - self._listed >= LISTED_SECONDS:
            self._listed = now
            ids |= open_study_ids(self._redis) - self._views.keys()
        for _ in range(min(READ_IN_TURN, len(self._turns))):
            ids.add(turn := next(iter(self._turns)))
            del self._turns[turn]
        self._read(sorted(ids))
        return sorted(self._views.values(), key=lambda view: (view.created, view.store.id))

    def read_again(self, study: str) -> None:
        """Read one now: this dispatcher has moved it itself."""
        self._read([study])

    def _moved(self) -> set[str]:
        if self._seen is None:
            last: _Moves = self._redis.xrevrange(MOVES, count=1)  # type: ignore[assignment]
            self._seen = text(last[0][0]) if last else "0-0"
            return set()
        moves: _Moves = self._redis.xrange(  # type: ignore[assignment]
            MOVES, min=f"({self._seen}", count=MOVES_AT_ONCE
        )
        if moves:
            self._seen = text(moves[-1][0])
        return {text(move[b"study"]) for _, move in moves}

    def _read(self, ids: Sequence[str]) -> None:
        for first in range(0, len(ids), READ_AT_ONCE):
            some = [StudyStore(self._redis, study) for study in ids[first : first + READ_AT_ONCE]]
            with self._redis.pipeline(transaction=False) as pipe:
                for store in some:
                    store.ask(pipe, WAITING_SEEN)
                answers = pipe.execute()
            width = len(answers) // len(some)
            for place, store in enumerate(some):
                self._take(store, *answers[place * width : (place + 1) * width])

    def _take(
        self,
        store: StudyStore,
        record: bytes | None,
        orders: int,
        outcomes: int,
        begun: Iterable[bytes],
        waiting: Sequence[bytes],
    ) -> None:
        known = self._views.pop(store.id, None)
        if record is None:
            store.delete()
            return
        study = msgspec.json.decode(record, type=Study)
        if study.files_queue != self._queue or (outcomes >= orders and store.close_if_ended()):
            return
        ids = [store.recording_id(number) for number in waiting]
        folders = dict(known.waiting) if known else {}
        new = [recording for recording in ids if recording not in folders]
        folders |= {one: _folder(order) for one, order in store.some_orders(new).items()}
        self._views[store.id] = StudyView(
            store=store,
            created=study.created,
            begun=tuple(sorted(map(store.recording_id, begun))),
            waiting=tuple((recording, folders.get(recording)) for recording in ids),
        )
        self._turns.setdefault(store.id)


def files_if_known(order: RecordingOrder) -> RecordingFiles | None:
    """Where a recording is; None where the register does not tell, which ingest then says."""
    try:
        return files_of(order)
    except RegisterError:
        return None


def _folder(order: RecordingOrder) -> Folder | None:
    files = files_if_known(order)
    return None if files is None else (files.output, files.name)
