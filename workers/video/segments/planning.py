"""Where a recording is cut into chunks: a pure function of its key frames."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

# A border may lie this share of a chunk from where it would be ideal.
_PLAY = 0.25
# Decoding a frame again, beside analysing one more or less in a chunk.
_RUN_IN_WEIGHT = 0.1
# A border whose decoder has to start more chunks than this before it is not worth cutting at.
_LONGEST_RUN_IN = 3


@dataclass(frozen=True, slots=True)
class ChunkSpan:
    """Frames of one chunk, as indices in presentation order.

    start, stop: the frames [start, stop) that the chunk gives results for.
    first: the frames [first, start) are analysed too, only for their history.
    decode_from: the key frame at or before `first`, where decoding has to start.
    until: the frames [stop, until) are looked at, too, only for those before them.
    """

    start: int
    stop: int
    first: int
    decode_from: int
    until: int


def plan_chunks(
    key_frames: Sequence[bool],
    chunk_frames: int,
    *,
    history: int,
    anchor: int,
    warm_up: int = 0,
    to_next_anchor: bool = False,
) -> tuple[ChunkSpan, ...]:
    """Divides a recording into chunks of about `chunk_frames` frames, none missing, none twice.

    key_frames: for each frame, in presentation order, whether decoding can start there.
    history: how many earlier frames the smoothing of a frame needs.
    anchor: tracking starts afresh at every frame divisible by this, so analysis starts at one,
    warm_up: or so many frames before.
    to_next_anchor: what is seen in a frame depends on those up to the next anchor, included.

    What is left is divided evenly, so that workers finish together. A border is `history` frames
    after an anchor, so that nothing before that anchor's start is analysed, and within a quarter
    of a chunk of its even place, or half the way between anchors, rather where little is decoded
    twice. Where even that means decoding
    more than three chunks' worth again, the border waits for the next key frame: a recording with
    one key frame ends in one long chunk.
    """
    if min(chunk_frames, anchor) < 1 or min(history, warm_up) < 0:
        raise ValueError(
            f"{chunk_frames=} and {anchor=} must be 1 or more, {history=} and {warm_up=} 0 or more"
        )
    plan = _BorderSearch(
        _decode_starts(key_frames), chunk_frames, history, anchor, warm_up, to_next_anchor
    )
    starts = list(plan.starts())
    return tuple(plan.span(start, stop) for start, stop in pairwise([*starts, len(key_frames)]))


def single_frame(key_frames: Sequence[bool], frame: int) -> ChunkSpan:
    """The chunk of one frame alone. key_frames: as for `plan_chunks`."""
    decode_from = max((i for i in range(frame + 1) if key_frames[i]), default=0)
    return ChunkSpan(frame, frame + 1, frame, decode_from, frame + 1)


@dataclass(frozen=True, slots=True)
class _BorderSearch:
    """The rules of `plan_chunks`, one method each. decode_starts: see `_decode_starts`."""

    decode_starts: Sequence[int]
    chunk_frames: int
    history: int
    anchor: int
    warm_up: int
    to_next_anchor: bool

    def starts(self) -> Iterator[int]:
        start: int | None = 0 if self.decode_starts else None
        while start is not None:
            yield start
            start = self._next_start(start)

    def span(self, start: int, stop: int) -> ChunkSpan:
        first = self._first(start)
        return ChunkSpan(start, stop, first, self.decode_starts[first], self._until(stop))

    def _next_start(self, start: int) -> int | None:
        left = len(self.decode_starts) - start
        chunks = math.ceil(left / self.chunk_frames - _PLAY)
        if chunks <= 1:
            return None
        play = max(int(_PLAY * self.chunk_frames), self.anchor // 2)
        ideal = start + round(left / chunks)
        anchors = range(
            -(-(ideal - play - self.history) // self.anchor) * self.anchor,
            ideal + play - self.history + 1,
            self.anchor,
        )
        after_anchors = (a + self.history for a in anchors if a >= 0)
        borders = [b for b in after_anchors if start < b < len(self.decode_starts)]
        best = min(borders or [ideal], key=lambda b: (self._cost(b, ideal), b))
        if self._run_in(best) <= _LONGEST_RUN_IN * self.chunk_frames:
            return best
        return self._start_after_next_key(best)

    def _cost(self, border: int, ideal: int) -> float:
        return _RUN_IN_WEIGHT * self._run_in(border) + abs(border - ideal)

    def _start_after_next_key(self, border: int) -> int | None:
        frames = len(self.decode_starts)
        passed = self.decode_starts[self._first(border)]
        for frame in range(self._first(border) + 1, frames):
            if self.decode_starts[frame] != passed:
                anchor = -(-(frame + self.warm_up) // self.anchor) * self.anchor
                start = anchor + self.history
                return start if start < frames else None
        return None

    def _first(self, start: int) -> int:
        anchor = max(0, start - self.history) // self.anchor * self.anchor
        return max(0, anchor - self.warm_up)

    def _until(self, stop: int) -> int:
        if not self.to_next_anchor:
            return stop
        next_anchor = -(-stop // self.anchor) * self.anchor
        return min(next_anchor + 1, len(self.decode_starts))

    def _run_in(self, border: int) -> int:
        first = self._first(border)
        return first - self.decode_starts[first]


def _decode_starts(key_frames: Sequence[bool]) -> list[int]:
    """For each frame the last key frame up to it; 0 where a recording starts without one."""
    return list(accumulate((i if key else 0 for i, key in enumerate(key_frames)), max))
