"""Studies on Redis: the recordings submitted together, and what became of each.

With S a study's id and N a recording's number in it (the recording's id is S.N):

| key                   | type   | content                                    |
| --------------------- | ------ | ------------------------------------------ |
| facemirror:studies    | zset   | S, by the time it was made                 |
| facemirror:open       | set    | S that has recordings without an outcome   |
| facemirror:S:study    | string | Study                                      |
| facemirror:S:orders   | hash   | N → RecordingOrder                         |
| facemirror:S:outcomes | hash   | N → RecordingOutcome                       |
| facemirror:S:waiting  | zset   | N not begun yet, urgent ones first         |
| facemirror:S:begun    | set    | N begun, and without an outcome            |
| facemirror:moves      | stream | S, whenever a recording of it waits or ends|

The record of a study (study, orders, outcomes) expires KEPT seconds after it was last touched.
"""

import secrets
import time
from collections.abc import Iterable, Sequence

import msgspec
import redis

from tasks.messages import RecordingOrder, RecordingOutcome, Study
from tasks.store import KEPT, RecordingStore, tell_of_move
from workers.process.broker import text

STUDIES = "facemirror:studies"
OPEN = "facemirror:open"
URGENT_BEFORE = 1_000_000
CANCELLED = RecordingOutcome(status="cancelled", reason="cancelled")


class StudyError(Exception):
    """A study that was asked for is not there; the message says what to do."""


def new_study_id() -> str:
    """An id that sorts by day and tells nothing."""
    return f"{time.strftime('%Y%m%d')}-{secrets.token_hex(3)}"


def recording_id(study: str, number: int) -> str:
    """The id of a study's recording; numbers count from 1."""
    return f"{study}.{number:05d}"


class StudyStore:
    """The keys of one study."""

    def __init__(self, client: "redis.Redis", study: str) -> None:
        self._redis = client
        self.id = study

    def create(self, study: Study, orders: Iterable[RecordingOrder]) -> None:
        """Store a study and everything that is to be done, all or nothing."""
        given = list(orders)
        listed = {_number(order.id): msgspec.json.encode(order) for order in given}
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key("study"), msgspec.json.encode(study), ex=KEPT)
            for number, order in listed.items():
                pipe.hset(self._key("orders"), number, order)
            pipe.zadd(self._key("waiting"), {_number(o.id): _place(o) for o in given})
            pipe.zadd(STUDIES, {self.id: study.created})
            pipe.sadd(OPEN, self.id)
            tell_of_move(pipe, self.id)
            self._expire(pipe)
            pipe.execute()

    def study(self) -> Study | None:
        """The study's record; None where there is none (any more)."""
        value = self._redis.get(self._key("study"))
        return None if value is None else msgspec.json.decode(value, type=Study)

    def orders(self) -> dict[str, RecordingOrder]:
        """What is to be done, by recording id, in the order of submission."""
        values = self._redis.hgetall(self._key("orders"))
        orders = (msgspec.json.decode(value, type=RecordingOrder) for value in values.values())
        return {order.id: order for order in sorted(orders, key=lambda order: order.id)}

    def outcomes(self) -> dict[str, RecordingOutcome]:
        """What became of the recordings that have ended, by id."""
        values = self._redis.hgetall(self._key("outcomes"))
        return {
            self.recording_id(number): msgspec.json.decode(value, type=RecordingOutcome)
            for number, value in values.items()
        }

    def waiting(self, most: int) -> list[str]:
        """The ids of the first recordings that are not begun yet."""
        return [self.recording_id(n) for n in self._redis.zrange(self._key("waiting"), 0, most - 1)]

    def count(self) -> int:
        """How many recordings the study has."""
        return int(self._redis.hlen(self._key("orders")))

    def begun(self) -> list[str]:
        """The ids of the recordings that are on their way, in order."""
        return sorted(self.recording_id(n) for n in self._redis.smembers(self._key("begun")))

    def order(self, recording: str) -> RecordingOrder | None:
        """What is to be done with a recording."""
        value = self._redis.hget(self._key("orders"), _number(recording))
        return None if value is None else msgspec.json.decode(value, type=RecordingOrder)

    def some_orders(self, recordings: Sequence[str]) -> dict[str, RecordingOrder]:
        """What is to be done with these recordings, by id."""
        if not recordings:
            return {}
        values = self._redis.hmget(self._key("orders"), [*map(_number, recordings)])
        return {
            recording: msgspec.json.decode(value, type=RecordingOrder)
            for recording, value in zip(recordings, values, strict=True)
            if value is not None
        }

    def ask(self, pipe: "redis.client.Pipeline", most: int) -> None:
        """Ask for the study's record, how many orders and outcomes it has, the numbers of its begun
        recordings, and those of the first waiting ones."""
        pipe.get(self._key("study"))
        pipe.hlen(self._key("orders"))
        pipe.hlen(self._key("outcomes"))
        pipe.smembers(self._key("begun"))
        pipe.zrange(self._key("waiting"), 0, most - 1)

    def recording_id(self, number: object) -> str:
        """The id of a recording whose number Redis gave."""
        return f"{self.id}.{text(number)}"

    def recording(self, recording: str) -> RecordingStore:
        """The keys of a recording."""
        return RecordingStore(self._redis, recording)

    def begin(self, recording: str) -> None:
        """A waiting recording is on its way."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.zrem(self._key("waiting"), _number(recording))
            pipe.sadd(self._key("begun"), _number(recording))
            self._expire(pipe)
            pipe.execute()

    def cancel(self) -> int:
        """End every recording that has not ended; returns how many."""
        ended = self.outcomes()
        open_ones = [recording for recording in self.orders() if recording not in ended]
        for recording in open_ones:
            self.recording(recording).finish(CANCELLED)
        self.close_if_ended()
        return len(open_ones)

    def retry(self, statuses: frozenset[str]) -> list[str]:
        """Make recordings that ended in one of these ways wait again; returns their ids."""
        outcomes, orders = self.outcomes(), self.orders()
        again = sorted(r for r, outcome in outcomes.items() if outcome.status in statuses)
        if again:
            with self._redis.pipeline(transaction=True) as pipe:
                places = {_number(recording): _place(orders[recording]) for recording in again}
                pipe.hdel(self._key("outcomes"), *places)
                pipe.zadd(self._key("waiting"), places)
                pipe.sadd(OPEN, self.id)
                tell_of_move(pipe, self.id)
                self._expire(pipe)
                pipe.execute()
        return again

    def close_if_ended(self) -> bool:
        """Take the study from the open ones once every recording has an outcome."""
        ended = self._redis.hlen(self._key("outcomes")) >= self._redis.hlen(self._key("orders"))
        if ended:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.srem(OPEN, self.id)
                pipe.delete(self._key("waiting"), self._key("begun"))
                self._expire(pipe)
                pipe.execute()
        return bool(ended)

    def delete(self) -> None:
        """Forget the study altogether."""
        names = ("study", "orders", "outcomes", "waiting", "begun")
        self._redis.unlink(*map(self._key, names))
        self._redis.srem(OPEN, self.id)
        self._redis.zrem(STUDIES, self.id)

    def _expire(self, pipe: "redis.client.Pipeline") -> None:
        names = ("study", "orders", "outcomes", "waiting", "begun")
        for key in (*map(self._key, names), STUDIES, OPEN):
            pipe.expire(key, KEPT)

    def _key(self, name: str) -> str:
        return f"facemirror:{self.id}:{name}"


def open_study_ids(client: "redis.Redis") -> set[str]:
    """The ids of the studies that have recordings without an outcome."""
    return {text(study) for study in client.smembers(OPEN)}


def open_studies(client: "redis.Redis") -> list[StudyStore]:
    """The studies that have recordings without an outcome, oldest first."""
    ids = sorted(open_study_ids(client))
    made = {study: float(client.zscore(STUDIES, study) or 0.0) for study in ids}
    return [StudyStore(client, study) for study in sorted(ids, key=lambda one: made[one])]


def all_studies(client: "redis.Redis") -> list[StudyStore]:
    """Every study that Redis remembers, oldest first."""
    found = []
    for name in client.zrange(STUDIES, 0, -1):
        store = StudyStore(client, text(name))
        if store.study() is None:
            store.delete()  # its record has expired
        else:
            found.append(store)
    return found


def find_study(client: "redis.Redis", wanted: str | None) -> StudyStore:
    """The study with this id or name, the newest of its name; None: the newest of all.

    Raises StudyError.
    """
    studies = all_studies(client)
    for store in reversed(studies):
        study = store.study()
        if wanted is None or (study is not None and wanted in (study.id, study.name)):
            return store
    if not studies:
        raise StudyError("there is no study on this Redis: submit one with 'facemirror submit'")
    raise StudyError(f"there is no study '{wanted}': 'facemirror studies' lists them")


def _place(order: RecordingOrder) -> int:
    """Where a recording waits among its study's: in order, urgent ones before the others."""
    return int(_number(order.id)) - (URGENT_BEFORE if order.priority == "high" else 0)


def _number(recording: str) -> str:
    return recording.rpartition(".")[2]
