"""What Face Mirror keeps of one recording on Redis; tasks.studies has the keys of studies.

With R a recording's id, S its study's, and K a chunk's index:

| key                  | type   | content                                  | written by   |
| -------------------- | ------ | ---------------------------------------- | ------------ |
| facemirror:R:plan    | string | RecordingPlan                            | ingest       |
| facemirror:R:fed     | string | how many parts have been sent            | feed         |
| facemirror:R:chunk:K | string | ChunkOrder                               | feed         |
| facemirror:R:in:K    | string | the chunk's compressed frames            | feed         |
| facemirror:R:rows:K  | string | ChunkRows (npz)                          | analyze      |
| facemirror:R:out:K:V | string | compressed video V: left, right, debug   | analyze      |
| facemirror:R:reports | hash   | K → ChunkReport; its presence means done | analyze      |
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

from collections.abc import Mapping
from typing import TypeVar

import msgspec
import redis

from tasks.messages import ChunkReport, RecordingOrder, RecordingOutcome, RecordingPlan
from workers.chunk.order import ChunkOrder, VideoName
from workers.process.broker import text

KEPT = 30 * 24 * 3600
HELD = "facemirror:held"
PACE = "facemirror:pace"
FRAMES = "facemirror:frames"
ANY_MIX = "mixed"
"""The claim of a recording whose chunks may run on unlike providers."""

T = TypeVar("T")


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
        """Store how many parts have been sent."""
        self._put("fed", str(parts).encode())
        self._forget_if_finished()

    def put_chunk(self, index: int, order: ChunkOrder, segment: bytes, result_bytes: int) -> None:
        """Store a chunk to be analysed. result_bytes: what its results may take, about."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key(f"chunk:{index}"), msgspec.json.encode(order), ex=KEPT)
            pipe.set(self._key(f"in:{index}"), segment, ex=KEPT)
            pipe.hset(HELD, self._held(index), stored_bytes(len(segment)) + result_bytes)
            pipe.expire(HELD, KEPT)
            pipe.execute()
        self._forget_if_finished()

    def chunk(self, index: int) -> ChunkOrder | None:
        """What is to be analysed; None where the recording is finished."""
        return self._decoded(f"chunk:{index}", ChunkOrder)

    def segment(self, index: int) -> bytes | None:
        """The chunk's compressed frames."""
        return self._bytes(f"in:{index}")

    def claim(self, arithmetic: str) -> str:
        """Make an arithmetic the recording's own, unless it has one; returns the one it has."""
        self._redis.set(self._key("claim"), arithmetic, nx=True, ex=KEPT)
        return self.claimed() or arithmetic

    def claimed(self) -> str | None:
        """The arithmetic that all chunks must have, once one was begun."""
        value = self._bytes("claim")
        return None if value is None else value.decode()

    def count_start(self, work: str, process: str, worker: str | None = None) -> int:
        """Count that a process begins a piece of work (a chunk's index, or `ingest`); returns how
        many have. One that begins it again did not die of it, and counts once."""
        begun = self._key(f"begun:{work}")
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(begun, process)
            pipe.expire(begun, KEPT)
            if worker is not None:
                pipe.hset(self._key("on"), work, worker)
                pipe.expire(self._key("on"), KEPT)
            pipe.execute()
        self._forget_if_finished()
        return self.starts(work)

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
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(self._key("frames"), str(index), str(frames))
            pipe.expire(self._key("frames"), KEPT)
            pipe.execute()
        self._forget_if_finished()

    def put_result(
        self,
        index: int,
        rows: bytes,
        videos: Mapping[VideoName, bytes],
        report: ChunkReport,
        frames: int,
    ) -> None:
        """Store what a chunk gave, all or nothing, and drop its compressed frames."""
        size = sum(stored_bytes(len(data)) for data in (rows, *videos.values()))
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key(f"rows:{index}"), rows, ex=KEPT)
            for name, data in videos.items():
                pipe.set(self._key(f"out:{index}:{name}"), data, ex=KEPT)
            pipe.hset(self._key("reports"), str(index), msgspec.json.encode(report))
            pipe.hset(HELD, self._held(index), size)
            pipe.hincrby(self._key("results"), "bytes", size)
            pipe.hincrby(self._key("results"), "frames", frames)
            pipe.hdel(self._key("on"), str(index))
            pipe.incrby(FRAMES, frames)
            pipe.expire(FRAMES, KEPT)
            for hashed in ("reports", "results"):
                pipe.expire(self._key(hashed), KEPT)
            pipe.delete(self._key(f"in:{index}"))
            pipe.execute()
        self._forget_if_finished()

    def put_pace(self, worker: str, frames_per_second: float) -> None:
        """Store how fast a worker did its last chunk."""
        self._redis.hset(PACE, worker, f"{frames_per_second:.3f}")
        self._redis.expire(PACE, KEPT)

    def progress(self) -> RecordingProgress:
        """How far the recording is, in one round trip; nought where it has ended."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(self._key("fed"))
            pipe.scard(self._key("done"))
            pipe.hlen(self._key("reports"))
            pipe.hgetall(self._key("on"))
            pipe.hlen(self._key("failed"))
            pipe.hvals(self._key("frames"))
            pipe.get(self._key("claim"))
            pipe.hmget(self._key("results"), "bytes", "frames")
            fed, done, here, on, failed, frames, claim, (size, measured) = pipe.execute()
        return RecordingProgress(
            fed=int(fed or 0),
            analysed=done + here,
            here=here,
            in_hand={int(index): worker.decode() for index, worker in on.items()},
            failed=failed,
            frames=sum(map(int, frames)),
            claimed=None if claim is None else claim.decode(),
            frame_result_bytes=int(size) / int(measured) if measured else None,
        )

    def has_result(self, index: int) -> bool:
        """Whether the chunk is done."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.hexists(self._key("reports"), str(index))
            pipe.sismember(self._key("done"), str(index))
            return any(pipe.execute())

    def reports(self) -> dict[int, ChunkReport]:
        """The reports of the chunks whose results are here."""
        return {
            index: msgspec.json.decode(value, type=ChunkReport)
            for index, value in self._hash("reports").items()
        }

    def with_results(self) -> set[int]:
        """The chunks whose results are here."""
        return {int(index) for index in self._redis.hkeys(self._key("reports"))}

    def rows(self, index: int) -> bytes | None:
        """The chunk's rows."""
        return self._bytes(f"rows:{index}")

    def video(self, index: int, name: str) -> bytes | None:
        """One of the chunk's videos."""
        return self._bytes(f"out:{index}:{name}")

    def take_away(self, index: int, videos: list[str]) -> None:
        """Delete a chunk's results: they are safe elsewhere."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(self._key("done"), str(index))
            pipe.expire(self._key("done"), KEPT)
            pipe.hdel(self._key("reports"), str(index))
            names = ["rows:{}", "in:{}", "chunk:{}", *(f"out:{{}}:{name}" for name in videos)]
            pipe.unlink(*(self._key(name.format(index)) for name in names))
            pipe.hdel(HELD, self._held(index))
            pipe.execute()

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
