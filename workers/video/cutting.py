"""Where a recording is cut into chunks, and the compressed bytes of each, without re-encoding."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from av.packet import Packet
from av.video.stream import VideoStream

from workers.video import VideoError
from workers.video.index import NOT_SHOWN, VideoIndex
from workers.video.segment import SegmentHeader, mux_numbered, number_packets, pack
from workers.video.source import VideoSource

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
    """

    start: int
    stop: int
    first: int
    decode_from: int


def plan_chunks(
    key_frames: Sequence[bool], chunk_frames: int, *, history: int, anchor: int
) -> tuple[ChunkSpan, ...]:
    """Divides a recording into chunks of about `chunk_frames` frames, none missing, none twice.

    key_frames: for each frame, in presentation order, whether decoding can start there.
    history: how many earlier frames the smoothing of a frame needs.
    anchor: tracking starts afresh at every frame divisible by this, so analysis starts at one.

    What is left is divided evenly, so that workers finish together. A border is `history` frames
    after an anchor, so that nothing before that anchor is analysed, and within a quarter of a
    chunk of its even place, rather where little is decoded twice. Where even that means decoding
    more than three chunks' worth again, the border waits for the next key frame: a recording with
    one key frame ends in one long chunk.
    """
    if min(chunk_frames, anchor) < 1 or history < 0:
        raise ValueError(f"{chunk_frames=} and {anchor=} must be 1 or more, {history=} 0 or more")
    plan = _BorderSearch(_decode_starts(key_frames), chunk_frames, history, anchor)
    starts = list(plan.starts())
    return tuple(plan.span(start, stop) for start, stop in pairwise([*starts, len(key_frames)]))


@dataclass(frozen=True, slots=True)
class _BorderSearch:
    """The rules of `plan_chunks`, one method each. decode_starts: see `_decode_starts`."""

    decode_starts: Sequence[int]
    chunk_frames: int
    history: int
    anchor: int

    def starts(self) -> Iterator[int]:
        start: int | None = 0 if self.decode_starts else None
        while start is not None:
            yield start
            start = self._next_start(start)

    def span(self, start: int, stop: int) -> ChunkSpan:
        first = self._first(start)
        return ChunkSpan(start, stop, first, self.decode_starts[first])

    def _next_start(self, start: int) -> int | None:
        left = len(self.decode_starts) - start
        chunks = math.ceil(left / self.chunk_frames - _PLAY)
        if chunks <= 1:
            return None
        play = int(_PLAY * self.chunk_frames)
        ideal = start + round(left / chunks)
        anchors = range(
            -(-(ideal - play - self.history) // self.anchor) * self.anchor,
            ideal + play - self.history + 1,
            self.anchor,
        )
        borders = [a + self.history for a in anchors if a >= 0 and a + self.history > start]
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
                start = -(-frame // self.anchor) * self.anchor + self.history
                return start if start < frames else None
        return None

    def _first(self, start: int) -> int:
        return max(0, start - self.history) // self.anchor * self.anchor

    def _run_in(self, border: int) -> int:
        first = self._first(border)
        return first - self.decode_starts[first]


def _decode_starts(key_frames: Sequence[bool]) -> list[int]:
    """For each frame the last key frame up to it; 0 where a recording starts without one."""
    return list(accumulate((i if key else 0 for i, key in enumerate(key_frames)), max))


def segment_bytes(index: VideoIndex, spans: Sequence[ChunkSpan]) -> list[int]:
    """The bytes of compressed frames that the segment of each span holds."""
    places = _packet_places(index)
    keys = _key_places(index, places)
    until = [0, *accumulate(index.packet_bytes)]
    ranges = (_packet_range(span, places, keys) for span in spans)
    return [until[end] - until[begin] for begin, end in ranges]


def cut_segments(
    path: Path | str, index: VideoIndex, spans: Sequence[ChunkSpan]
) -> Iterator[bytes]:
    """The segment of each span, in order, from one pass over the file.

    Only packets that a segment still needs are held in memory. A segment holds the packets from
    its key frame on up to the last one, in decode order, with a frame before `stop`: every frame
    is decoded from packets that come before its own, so nothing behind that is needed.

    Raises VideoError where the file is no longer the one that was indexed.
    """
    places = _packet_places(index)
    keys = _key_places(index, places)
    with VideoSource(path) as source:
        incoming = enumerate(source.packets())
        held: deque[tuple[int, Packet[VideoStream]]] = deque()
        for span in spans:
            begin, end = _packet_range(span, places, keys)
            while held and held[0][0] < begin:
                held.popleft()
            while not held or held[-1][0] < end - 1:
                place, packet = _checked(source, index, next(incoming, None))
                if place >= begin:
                    held.append((place, packet))
            needed = [packet for place, packet in held if place < end]
            yield _segment(source.stream, index, span, needed, begin)


def _packet_places(index: VideoIndex) -> list[int]:
    """For each frame the place of its packet in decode order."""
    places = [0] * index.frame_count
    for place, frame in enumerate(index.packet_frames):
        if frame != NOT_SHOWN:
            places[frame] = place
    return places


def _key_places(index: VideoIndex, places: Sequence[int]) -> list[int]:
    """The rising places of key frames' packets."""
    return [places[frame] for frame, key in enumerate(index.key_frames) if key]


def _packet_range(span: ChunkSpan, places: Sequence[int], keys: Sequence[int]) -> tuple[int, int]:
    """The packets [begin, end) that the span is decoded from.

    keys: rising places of key frames. Packets before the first one belong to the first span.
    """
    wanted = places[span.first : span.stop]
    earliest = min(places[span.decode_from], *wanted)
    before = bisect_right(keys, earliest)
    return (keys[before - 1] if before else 0), max(wanted) + 1


def _checked(
    source: VideoSource, index: VideoIndex, item: tuple[int, tuple[int, Packet[VideoStream]]] | None
) -> tuple[int, Packet[VideoStream]]:
    """The place and the packet, if they are what was indexed."""
    if item is not None:
        place, (pts, packet) = item
        if index.packet_pts[place : place + 1] == (pts,):
            return place, packet
    raise VideoError(
        f"{source.name}: has changed since its frames were listed: submit it again once it is "
        "copied completely"
    )


def _segment(
    stream: VideoStream,
    index: VideoIndex,
    span: ChunkSpan,
    packets: Sequence[Packet[VideoStream]],
    begin: int,
) -> bytes:
    frames = index.packet_frames[begin : begin + len(packets)]
    numbers = number_packets(frames)
    number_of = dict(zip(frames, numbers, strict=True))
    wanted = range(span.first, span.stop)
    header = SegmentHeader(
        numbers=tuple(number_of[frame] for frame in wanted),
        pts=index.pts[span.first : span.stop],
        damaged=tuple(number_of[frame] for frame in frames if frame in index.damaged_frames),
        time_base=index.time_base,
        width=index.coded_width,
        height=index.coded_height,
        colorspace=index.colorspace,
        color_range=index.color_range,
    )
    return pack(header, mux_numbered(stream, packets, numbers))
