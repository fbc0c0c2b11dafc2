"""What Face Mirror keeps of one recording on Redis; tasks.studies has the keys of studies.

With R a recording's id, S its study's, and K a chunk's index:

| key                  | type   | content                                  | written by   |
| -------------------- | ------ | ---------------------------------------- | ------------ |
| facemirror:R:plan    | string | RecordingPlan                            | ingest       |
| facemirror:R:fed     | string | how many parts have been sent            | feed         |
| facemirror:R:chunk:K | string | ChunkOrder                               | feed         |
| facemirror:R:in:K    | string | the chunk's compressed frames            | feed         |
| facemirror:R:out:K   | string | what the chunk gave (tasks.results)      | analyze      |
| facemirror:R:ready   | set    | K of the chunks with such a result here  | analyze      |
| facemirror:R:done    | set    | K of the chunks that assemble has taken  | assemble     |
| facemirror:R:begun:K | set    | processes that have begun K (or `ingest`)| all          |
| facemirror:R:on      | hash   | K → worker that has it in hand           | analyze      |
| facemirror:R:frames  | hash   | K → frames finished, for progress        | analyze      |
| facemirror:R:failed  | hash   | K → reason                               | analyze      |
| facemirror:R:claim   | string | arithmetic that all chunks must have     | both         |
| facemirror:R:results | hash   | `bytes` and `frames` of results, summed  | analyze      |
| facemirror:held      | hash   | R:K → bytes that the chunk holds here    | feed, analyze|
| facemirror:pace      | hash   | worker → frames/s of its last chunk      | analyze      |
| facemirror:frames    | string | frames analysed on this Redis, ever      | analyze      |

All of a recording expires after KEPT seconds; `finish` deletes it as soon as the recording is
assembled, failed or cancelled, and writes the outcome to its study: these keys hold pictures of
patients.
"""

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import msgspec
import redis

from tasks.messages import RecordingOrder, RecordingOutcome, RecordingPlan
from workers.chunk.order import ChunkOrder
from workers.process.broker import text

KEPT = 30 * 24 * 3600
HELD = "facemirror:held"
PACE = "facemirror:pace"
FRAMES = "facemirror:frames"
MOVES = "facemirror:moves"
MOST_MOVES = 10_000
OF_A_CHUNK = ("chunk", "in", "out")
"""The keys of what a chunk is and gives."""

ANY_MIX = "mixed"
"""The claim of a recording whose chunks may run on unlike providers."""

ASKED = 8
"""Answers that a recording's progress is read from."""

T = TypeVar("T")


class BegunChunk(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk that a worker has begun. starts: how many processes have, this one included, and were
    not forgiven; segment: its compressed frames, None where they are gone."""

    starts: int
    segment: bytes | None


class RecordingProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a recording on its way is.

    fed: parts sent; analysed: chunks whose results are here or on the disk; here: those that are
    not on the disk yet; in_hand: chunks that workers have, and who; failed: chunks that failed;
    frames: finished ones; claimed: the arithmetic of its chunks; frame_result_bytes: what the
    results of a frame take on average.
    """

    fed: int
    analysed: int
    here: int
    in_hand: dict[int, str]
    failed: int
    frames: int
    claimed: str | None
    frame_result_bytes: float | None


def stored_bytes(size: int) -> int:
    """What Redis takes for a value of some bytes: its allocator (jemalloc) has four sizes between
    one power of two and the next."""
    step = 1 << max(4, size.bit_length() - 3)
    return -(-size // step) * step


def tell_of_move(pipe: "redis.client.Pipeline", study: str) -> None:
    """Say that a recording of a study waits or has ended."""
    pipe.xadd(MOVES, {"study": study}, maxlen=MOST_MOVES, approximate=True)
    pipe.expire(MOVES, KEPT)


def progress_of(
    client: "redis.Redis", stores: "Sequence[RecordingStore]"
) -> list[RecordingProgress]:
    """How far recordings are, in one round trip; nought where one has ended."""
    with client.pipeline(transaction=False) as pipe:
        for store in stores:
            store._ask_for_progress(pipe)
        answers = pipe.execute()
    return [_progress(*answers[at : at + ASKED]) for at in range(0, len(answers), ASKED)]


def frames_done(client: "redis.Redis") -> int:
    """Frames that workers have ever analysed on this Redis."""
    return int(client.get(FRAMES) or 0)


def held_bytes(client: "redis.Redis") -> int:
    """Bytes that the chunks of all recordings and their results take on Redis, about."""
    return sum(int(size) for size in client.hvals(HELD))


class RecordingStore:
    """The keys of one recording."""

    def __init__(self, client: "redis.Redis", recording: str) -> None:
        """recording: its id, which is STUDY.NUMBER."""
        self._redis = client
        self.recording = recording
        self._study, _, self._number = recording.rpartition(".")

    def order(self) -> RecordingOrder | None:
        """What is to be done; None for a recording that is finished or unknown."""
        value = self._redis.hget(self._study_key("orders"), self._number)
        if value is None or self.outcome() is not None:
            return None
        return msgspec.json.decode(value, type=RecordingOrder)

    def put_plan(self, plan: RecordingPlan) -> None:
        """Store how the recording is cut."""
        if plan.order.mix_providers:
            self._put("claim", ANY_MIX.encode())
        self._put("plan", msgspec.json.encode(plan))
        self._forget_if_finished()

    def plan(self) -> RecordingPlan | None:
        """How the recording is cut; None before ingest and after the end."""
        return self._decoded("plan", RecordingPlan)

    def fed(self) -> int:
        """How many parts have been sent."""
        return int(self._bytes("fed") or 0)

    def put_fed(self, parts: int) -> None:
        """Store how many parts have been sent. The figures of all recordings live on with it."""
        with self._pipeline() as pipe:
            pipe.set(self._key("fed"), str(parts), ex=KEPT)
            for key in (HELD, PACE, FRAMES):
                pipe.expire(key, KEPT)
            self._execute(pipe)

    def put_chunk(self, index: int, order: ChunkOrder, segment: bytes, result_bytes: int) -> None:
        """Store a chunk to be analysed. result_bytes: what its results may take, about."""
        with self._pipeline() as pipe:
            pipe.set(self._key(f"chunk:{index}"), msgspec.json.encode(order), ex=KEPT)
            pipe.set(self._key(f"in:{index}"), segment, ex=KEPT)
            pipe.hset(HELD, self._held(index), stored_bytes(len(segment)) + result_bytes)
            self._execute(pipe)

    def to_analyse(self, index: int) -> tuple[ChunkOrder | None, str | None]:
        """What is to be analysed, and the arithmetic that it must have, once one was begun.

        None where there is nothing to do: the chunk is done, or one of its recording has failed,
        or the recording is finished.
        """
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(self._key(f"chunk:{index}"))
            pipe.get(self._key("claim"))
            pipe.exists(self._key("failed"))
            self._ask_for_results(pipe, [index])
            chunk, claimed, failed, ready, done = pipe.execute()
        if chunk is None or failed or any((*ready, *done)):
            return None, None
        order = msgspec.json.decode(chunk, type=ChunkOrder)
        return order, None if claimed is None else claimed.decode()

    def claim(self, arithmetic: str) -> str:
        """Make an arithmetic the recording's own, unless it has one; returns the one it has."""
        self._redis.set(self._key("claim"), arithmetic, nx=True, ex=KEPT)
        return self.claimed() or arithmetic

    def claimed(self) -> str | None:
        """The arithmetic that all chunks must have, once one was begun."""
        value = self._bytes("claim")
        return None if value is None else value.decode()

    def count_start(self, work: str, process: str) -> int:
        """Count that a process begins a piece of work (a chunk's index, or `ingest`); returns how
        many have. One that begins it again did not die of it, and counts once."""
        with self._pipeline() as pipe:
            self._count_start(pipe, work, process)
            return int(self._execute(pipe)[-1])

    def begin_chunk(self, index: int, process: str, worker: str) -> BegunChunk:
        """Count, likewise, that a worker's process begins a chunk, which it then has in hand."""
        with self._pipeline() as pipe:
            pipe.get(self._key(f"in:{index}"))
            pipe.hset(self._key("on"), str(index), worker)
            pipe.expire(self._key("on"), KEPT)
            self._count_start(pipe, str(index), process)
            segment, *_, starts = self._execute(pipe)
        return BegunChunk(starts=int(starts), segment=segment)

    def _count_start(self, pipe: "redis.client.Pipeline", work: str, process: str) -> None:
        begun = self._key(f"begun:{work}")
        pipe.sadd(begun, process)
        pipe.expire(begun, KEPT)
        pipe.scard(begun)

    def starts(self, work: str) -> int:
        """How many processes have begun a piece of work, and were not forgiven."""
        return int(self._redis.scard(self._key(f"begun:{work}")))

    def forgive_start(self, work: str, process: str) -> None:
        """Take a start back that ended without a death."""
        self._redis.srem(self._key(f"begun:{work}"), process)

    def put_down(self, index: int) -> None:
        """No worker has the chunk in hand any more."""
        self._redis.hdel(self._key("on"), str(index))

    def put_progress(self, index: int, frames: int) -> None:
        """Store how many frames of a chunk are finished."""
        with self._pipeline() as pipe:
            pipe.hset(self._key("frames"), str(index), str(frames))
            pipe.expire(self._key("frames"), KEPT)
            self._execute(pipe)

    def put_result(self, index: int, packed: bytes, frames: int, worker: str, pace: float) -> None:
        """Store what a chunk gave, all or nothing, and drop its compressed frames.

        packed: see tasks.results; frames: how many it has; worker: who did it; pace: in frames/s.
        """
        size = stored_bytes(len(packed))
        with self._pipeline(all_or_nothing=True) as pipe:
            pipe.set(self._key(f"out:{index}"), packed, ex=KEPT)
            pipe.unlink(self._key(f"in:{index}"))
            pipe.sadd(self._key("ready"), index)
            pipe.hdel(self._key("on"), str(index))
            pipe.hset(self._key("frames"), str(index), str(frames))
            pipe.hincrby(self._key("results"), "bytes", size)
            pipe.hincrby(self._key("results"), "frames", frames)
            pipe.hset(HELD, self._held(index), size)
            pipe.incrby(FRAMES, frames)
            pipe.hset(PACE, worker, f"{pace:.3f}")
            for name in ("ready", "frames", "results"):
                pipe.expire(self._key(name), KEPT)
            self._execute(pipe)

    def progress(self) -> RecordingProgress:
        """How far the recording is, in one round trip; nought where it has ended."""
        (found,) = progress_of(self._redis, [self])
        return found

    def _ask_for_progress(self, pipe: "redis.client.Pipeline") -> None:
        pipe.get(self._key("fed"))
        pipe.scard(self._key("done"))
        pipe.scard(self._key("ready"))
        pipe.hgetall(self._key("on"))
        pipe.hlen(self._key("failed"))
        pipe.hvals(self._key("frames"))
        pipe.get(self._key("claim"))
        pipe.hmget(self._key("results"), "bytes", "frames")

    def has_result(self, index: int) -> bool:
        """Whether the chunk is done."""
        return index in self.with_result([index])

    def with_result(self, indices: Collection[int]) -> set[int]:
        """Which of these chunks are done."""
        with self._redis.pipeline(transaction=False) as pipe:
            self._ask_for_results(pipe, indices)
            ready, done = pipe.execute()
        found = zip(indices, ready, done, strict=True)
        return {index for index, is_ready, is_done in found if is_ready or is_done}

    def _ask_for_results(self, pipe: "redis.client.Pipeline", indices: Collection[int]) -> None:
        for name in ("ready", "done"):
            pipe.smismember(self._key(name), list(indices))

    def ready(self) -> set[int]:
        """The chunks whose results are here."""
        return {int(index) for index in self._redis.smembers(self._key("ready"))}

    def result(self, index: int) -> bytes | None:
        """What a chunk gave, packed; None where it is not here."""
        return self._bytes(f"out:{index}")

    def take_away(self, indices: Collection[int]) -> set[int]:
        """Delete the results of chunks: they are safe elsewhere. Returns all that then are."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(self._key("done"), *indices)
            pipe.expire(self._key("done"), KEPT)
            pipe.srem(self._key("ready"), *indices)
            pipe.unlink(*(self._key(f"{kind}:{k}") for k in indices for kind in OF_A_CHUNK))
            pipe.hdel(HELD, *map(self._held, indices))
            pipe.smembers(self._key("done"))
            return {int(index) for index in pipe.execute()[-1]}

    def taken_away(self) -> set[int]:
        """The chunks whose results are safe elsewhere."""
        return {int(index) for index in self._redis.smembers(self._key("done"))}

    def fail_chunk(self, index: int, reason: str) -> None:
        """Store why a chunk cannot be analysed."""
        self._redis.hset(self._key("failed"), str(index), reason)
        self._redis.expire(self._key("failed"), KEPT)
        self.put_down(index)
        self._forget_if_finished()

    def failures(self) -> dict[int, str]:
        """The reasons of the chunks that failed."""
        return {index: value.decode() for index, value in self._hash("failed").items()}

    def finish(self, outcome: RecordingOutcome) -> None:
        """Store what became of the recording, unless that is known, and delete everything else."""
        with self._redis.pipeline(transaction=True) as pipe:
            outcomes = self._study_key("outcomes")
            pipe.hsetnx(outcomes, self._number, msgspec.json.encode(outcome))
            pipe.expire(outcomes, KEPT)
            pipe.zrem(self._study_key("waiting"), self._number)
            pipe.srem(self._study_key("begun"), self._number)
            tell_of_move(pipe, self._study)
            pipe.execute()
        self.delete()

    def delete(self) -> None:
        """Delete the recording's keys."""
        keys = list(self._redis.scan_iter(self._key("*"), count=1000))
        for start in range(0, len(keys), 500):
            self._redis.unlink(*keys[start : start + 500])
        mine = f"{self.recording}:"
        held = [chunk for chunk in map(text, self._redis.hkeys(HELD)) if chunk.startswith(mine)]
        if held:
            self._redis.hdel(HELD, *held)

    def _forget_if_finished(self) -> None:
        """A worker that was slower than the end of its recording must leave no picture behind."""
        if self.outcome() is not None:
            self.delete()

    def _pipeline(self, all_or_nothing: bool = False) -> "redis.client.Pipeline":
        """For what is stored of a recording on its way; what is done again after a death, and
        stores the same then, need not be all or nothing."""
        return self._redis.pipeline(transaction=all_or_nothing)

    def _execute(self, pipe: "redis.client.Pipeline") -> list[Any]:
        """What a pipeline's commands gave; what they stored is forgotten if the recording is
        finished."""
        pipe.hexists(self._study_key("outcomes"), self._number)
        *given, finished = pipe.execute()
        if finished:
            self.delete()
        return given

    def outcome(self) -> RecordingOutcome | None:
        """What became of the recording; None while it is on its way."""
        value = self._redis.hget(self._study_key("outcomes"), self._number)
        return None if value is None else msgspec.json.decode(value, type=RecordingOutcome)

    def _key(self, name: str) -> str:
        return f"facemirror:{self.recording}:{name}"

    def _study_key(self, name: str) -> str:
        return f"facemirror:{self._study}:{name}"

    def _held(self, index: int) -> str:
        return f"{self.recording}:{index}"

    def _put(self, name: str, value: bytes) -> None:
        self._redis.set(self._key(name), value, ex=KEPT)

    def _bytes(self, name: str) -> bytes | None:
        value = self._redis.get(self._key(name))
        return value if isinstance(value, bytes) else None

    def _decoded(self, name: str, kind: type[T]) -> T | None:
        value = self._bytes(name)
        return None if value is None else msgspec.json.decode(value, type=kind)

    def _hash(self, name: str) -> dict[int, bytes]:
        values: dict[bytes, bytes] = self._redis.hgetall(self._key(name))  # type: ignore[assignment]
        return {int(index): value for index, value in values.items()}


def _progress(
    fed: bytes | None,
    done: int,
    here: int,
    on: dict[bytes, bytes],
    failed: int,
    frames: list[bytes],
    claim: bytes | None,
    results: tuple[bytes | None, bytes | None],
) -> RecordingProgress:
    size, measured = results
    return RecordingProgress(
        fed=int(fed or 0),
        analysed=done + here,
        here=here,
        in_hand={int(index): worker.decode() for index, worker in on.items()},
        failed=failed,
        frames=sum(map(int, frames)),
        claimed=None if claim is None else claim.decode(),
        frame_result_bytes=int(size or 0) / int(measured) if measured else None,
    )
