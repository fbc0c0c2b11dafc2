"""The compressed frames of each chunk, cut out of a recording without re-encoding."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from av.packet import Packet
from av.video.stream import VideoStream

from workers.video import VideoError
from workers.video.reading.index import NOT_SHOWN, VideoIndex
from workers.video.reading.listing import presentation_time
from workers.video.reading.source import VideoSource
from workers.video.segments.planning import ChunkSpan
from workers.video.segments.segment import Segment, SideData, StoredPacket, side_data_of


def segment_bytes(index: VideoIndex, spans: Sequence[ChunkSpan]) -> list[int]:
    """The bytes of compressed frames that the segment of each span holds."""
    places = _Places(index)
    until = [0, *accumulate(index.packet_bytes)]
    ranges = map(places.packet_range, spans)
    return [until[end] - until[begin] for begin, end in ranges]


def cut_segments(
    path: Path | str, index: VideoIndex, spans: Sequence[ChunkSpan]
) -> Iterator[bytes]:
    """The segment of each span, in order, from one pass over the file.

    Only packets that a segment still needs are held in memory. A segment holds the packets, in
    decode order, from its key frame up to the last one with a frame before `until`, which is all
    that they are decoded from; and as many more as the decoder holds back, so that a frame that
    should come out before them is seen to come out in its turn.

    Raises VideoError where the file is no longer the one that was indexed.
    """
    places = _Places(index)
    with VideoSource(path) as source:
        incoming = _incoming(source, index)
        held: deque[_HeldPacket] = deque()
        for span in spans:
            begin, end = places.packet_range(span)
            while held and held[0].place < begin:
                held.popleft()
            while not held or held[-1].place < end - 1:
                packet = next(incoming)
                if packet.place >= begin:
                    held.append(packet)
            needed = [packet for packet in held if packet.place < end]
            yield _segment(index, span, needed).to_bytes()


class _Places:
    """Where in decode order the packets of an index's frames are."""

    def __init__(self, index: VideoIndex) -> None:
        self._first = [0] * index.frame_count
        self._last = [0] * index.frame_count
        for place, frame in reversed([*enumerate(index.packet_frames)]):
            if frame != NOT_SHOWN:
                self._first[frame] = place
        for place, frame in enumerate(index.packet_frames):
            if frame != NOT_SHOWN:
                self._last[frame] = place
        keys = (self._first[frame] for frame, key in enumerate(index.key_frames) if key)
        self._keys = sorted(keys)
        self._tail = index.codec.reorder_depth
        self._packets = len(index.packet_frames)

    def packet_range(self, span: ChunkSpan) -> tuple[int, int]:
        """The packets [begin, end) of a span. Those before the first key belong to the first."""
        earliest = min(self._first[span.decode_from], *self._first[span.first : span.until])
        before = bisect_right(self._keys, earliest)
        end = max(self._last[span.first : span.until]) + 1 + self._tail
        return (self._keys[before - 1] if before else 0), min(end, self._packets)


@dataclass(frozen=True, slots=True)
class _HeldPacket:
    """in_force: the side data that decoding from here on needs, this packet's own included."""

    place: int
    packet: Packet[VideoStream]
    in_force: SideData


def _incoming(source: VideoSource, index: VideoIndex) -> Iterator[_HeldPacket]:
    """The packets of a file, as long as they are what was indexed."""
    in_force: SideData = {}
    packets = source.packets()
    for place, expected in enumerate(index.packet_pts):
        packet = next(packets, None)
        if packet is None or presentation_time(packet) != expected:
            break
        if own := side_data_of(packet):
            in_force = in_force | own
        yield _HeldPacket(place, packet, in_force)
    raise VideoError(
        f"{source.name}: has changed since its frames were listed: submit it again once it is "
        "copied completely"
    )


def _segment(index: VideoIndex, span: ChunkSpan, held: Sequence[_HeldPacket]) -> Segment:
    return Segment(
        codec=index.codec,
        first=span.first,
        pts=index.pts[span.first : span.until],
        form=index.form,
        packets=tuple(_stored(index, held)),
    )


def _stored(index: VideoIndex, held: Sequence[_HeldPacket]) -> Iterator[StoredPacket]:
    before = NOT_SHOWN
    for number, packet in enumerate(held):
        frame = index.packet_frames[packet.place]
        second_field = frame == before
        yield StoredPacket(
            frame=frame,
            key=frame != NOT_SHOWN and index.key_frames[frame] and not second_field,
            damaged=frame in index.damaged_frames,
            data=memoryview(packet.packet),
            side_data=side_data_of(packet.packet) if number else packet.in_force,
        )
        before = frame
