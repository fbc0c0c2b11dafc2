"""The compressed frames of each chunk, cut out of a recording without re-encoding."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from av.packet import Packet
from av.video.stream import VideoStream

from workers.video import VideoError
from workers.video.reading.index import NOT_SHOWN, VideoIndex
from workers.video.reading.source import VideoSource
from workers.video.segments.planning import ChunkSpan
from workers.video.segments.segment import SegmentHeader, mux_numbered, number_packets, pack


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
