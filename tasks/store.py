"""What Face Mirror keeps on Redis besides Celery's own keys. The one module that touches them.

With R a recording's id and K a chunk's index:

| key                  | type   | content                                  | written by   |
| -------------------- | ------ | ---------------------------------------- | ------------ |
| facemirror:R:order   | string | RecordingOrder                           | submitter    |
| facemirror:R:plan    | string | RecordingPlan                            | ingest       |
| facemirror:R:chunk:K | string | ChunkOrder                               | ingest       |
| facemirror:R:in:K    | string | the chunk's compressed frames (NUT)      | ingest       |
| facemirror:R:rows:K  | string | ChunkRows (npz)                          | analyze      |
| facemirror:R:out:K:V | string | compressed video V: left, right, debug   | analyze      |
| facemirror:R:reports | hash   | K → ChunkReport; its presence means done | analyze      |
| facemirror:R:starts  | hash   | K or `ingest` → how often it was begun   | both         |
| facemirror:R:frames  | hash   | K → frames finished, for progress        | analyze      |
| facemirror:R:failed  | hash   | K → reason                               | analyze      |
| facemirror:R:outcome | string | RecordingOutcome                         | assemble     |

All expire after KEPT seconds. `finish` deletes all but the outcome, as soon as a recording is
assembled or has failed: they hold pictures of patients.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
import redis

from tasks.messages import ChunkReport, RecordingOrder, RecordingOutcome, RecordingPlan
from workers.chunk_order import ChunkOrder, VideoName

KEPT = 7 * 24 * 3600

T = TypeVar("T")


class RecordingStore:
    """The keys of one recording."""

    def __init__(self, client: "redis.Redis", recording: str) -> None:
        self._redis = client
        self.recording = recording

    def put_order(self, order: RecordingOrder) -> None:
        """Store what is to be done."""
        self._put("order", msgspec.json.encode(order))

    def order(self) -> RecordingOrder | None:
        """What is to be done; None for a recording that is finished or unknown."""
        return self._decoded("order", RecordingOrder)

    def put_plan(self, plan: RecordingPlan) -> None:
        """Store how the recording was cut."""
        self._put("plan", msgspec.json.encode(plan))

    def plan(self) -> RecordingPlan | None:
        """How the recording was cut; None before ingest and after the end."""
        return self._decoded("plan", RecordingPlan)

    def put_chunk(self, index: int, order: ChunkOrder, segment: bytes) -> None:
        """Store a chunk to be analysed."""
        self._put(f"chunk:{index}", msgspec.json.encode(order))
        self._put(f"in:{index}", segment)
        self._forget_if_finished()

    def chunk(self, index: int) -> ChunkOrder | None:
        """What is to be analysed; None where the recording is finished."""
        return self._decoded(f"chunk:{index}", ChunkOrder)

    def segment(self, index: int) -> bytes | None:
        """The chunk's compressed frames."""
        return self._bytes(f"in:{index}")

    def count_start(self, work: str) -> int:
        """Count that a piece of work begins (a chunk's index, or `ingest`); returns how often."""
        starts = int(self._redis.hincrby(self._key("starts"), work, 1))
        self._redis.expire(self._key("starts"), KEPT)
        return starts

    def uncount_start(self, work: str) -> None:
        """Take a start back that ended without a death."""
        self._redis.hincrby(self._key("starts"), work, -1)

    def put_progress(self, index: int, frames: int) -> None:
        """Store how many frames of a chunk are finished."""
        self._redis.hset(self._key("frames"), str(index), str(frames))
        self._redis.expire(self._key("frames"), KEPT)

    def finished_frames(self) -> int:
        """How many frames of all chunks are finished."""
        return sum(int(frames) for frames in self._hash("frames").values())

    def put_result(
        self, index: int, rows: bytes, videos: Mapping[VideoName, bytes], report: ChunkReport
    ) -> None:
        """Store what a chunk gave, all or nothing, and drop its compressed frames."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(self._key(f"rows:{index}"), rows, ex=KEPT)
            for name, data in videos.items():
                pipe.set(self._key(f"out:{index}:{name}"), data, ex=KEPT)
            pipe.hset(self._key("reports"), str(index), msgspec.json.encode(report))
            pipe.expire(self._key("reports"), KEPT)
            pipe.delete(self._key(f"in:{index}"))
            pipe.execute()
        self._forget_if_finished()

    def has_result(self, index: int) -> bool:
        """Whether the chunk is done."""
        return bool(self._redis.hexists(self._key("reports"), str(index)))

    def reports(self) -> dict[int, ChunkReport]:
        """The reports of all chunks that are done."""
        return {
            index: msgspec.json.decode(value, type=ChunkReport)
            for index, value in self._hash("reports").items()
        }

    def rows(self, index: int) -> bytes | None:
        """The chunk's rows."""
        return self._bytes(f"rows:{index}")

    def video(self, index: int, name: str) -> bytes | None:
        """One of the chunk's videos."""
        return self._bytes(f"out:{index}:{name}")

    def fail_chunk(self, index: int, reason: str) -> None:
        """Store why a chunk cannot be analysed."""
        self._redis.hset(self._key("failed"), str(index), reason)
        self._redis.expire(self._key("failed"), KEPT)

    def failures(self) -> dict[int, str]:
        """The reasons of the chunks that failed."""
        return {index: value.decode() for index, value in self._hash("failed").items()}

    def finish(self, outcome: RecordingOutcome) -> None:
        """Store what became of the recording, unless that is known, and delete everything else."""
        self._redis.set(self._key("outcome"), msgspec.json.encode(outcome), ex=KEPT, nx=True)
        self.delete_all_but_outcome()

    def delete_all_but_outcome(self) -> None:
        """Delete the recording's keys, pictures first of all."""
        kept = self._key("outcome").encode()
        keys = [k for k in self._redis.scan_iter(self._key("*"), count=1000) if k != kept]
        for start in range(0, len(keys), 500):
            self._redis.unlink(*keys[start : start + 500])

    def _forget_if_finished(self) -> None:
        """A worker that was slower than the end of its recording must leave no picture behind."""
        if self.outcome() is not None:
            self.delete_all_but_outcome()

    def outcome(self) -> RecordingOutcome | None:
        """What became of the recording; None while it is on its way."""
        return self._decoded("outcome", RecordingOutcome)

    def _key(self, name: str) -> str:
        return f"facemirror:{self.recording}:{name}"

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
