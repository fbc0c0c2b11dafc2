"""Recordings with faults of time or order, made from sound ones by copying packets or bytes."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.packet import Packet

TS_PACKET = 188


@dataclass(frozen=True, slots=True)
class Times:
    """Of a packet, in ticks of its stream. place: in decode order."""

    place: int
    pts: int
    dts: int | None


def copied_packets(
    source: Path,
    target: Path,
    times: Callable[[Times], tuple[int, int | None]] = lambda times: (times.pts, times.dts),
    kept: Callable[[int], bool] = lambda place: True,
    all_keys: bool = False,
    **options: str,
) -> Path:
    """Copies packets of a recording with other (pts, dts). kept: asked for each one's place in
    decode order; all_keys: flags every one as a key frame."""
    with av.open(str(source)) as reading, av.open(str(target), "w", options=options) as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        for place, packet in enumerate(_packets(reading)):
            packet.stream = stream
            packet.is_keyframe = packet.is_keyframe or all_keys
            packet.pts, packet.dts = times(Times(place, packet.pts, packet.dts))
            if kept(place):
                writing.mux(packet)
    return target


def _packets(container) -> Iterator[Packet]:
    return (packet for packet in container.demux(video=0) if packet.size)


def with_edits(path: Path, edits: list[tuple[int, int]]) -> Path:
    """Replaces the edit list of an MP4 whose index is at its end (ISO/IEC 14496-12, 8.6.6).

    edits: (duration in ms, first time in ticks of the media), one after the other.
    """
    data = bytearray(path.read_bytes())
    around = list(_nested(data, (b"moov", b"trak", b"edts", b"elst")))
    at, size = around[-1]
    entries = b"".join(struct.pack(">IiI", length, first, 1 << 16) for length, first in edits)
    body = b"elst" + struct.pack(">II", 0, len(edits)) + entries
    data[at : at + size] = struct.pack(">I", 4 + len(body)) + body
    for outer, outer_size in around[:-1]:
        data[outer : outer + 4] = struct.pack(">I", outer_size + 4 + len(body) - size)
    path.write_bytes(data)
    return path


def _nested(data: bytearray, names: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    """Where each of some boxes starts, and its size; each lies in the one before."""
    at = 0
    for name in names:
        while data[at + 4 : at + 8] != name:
            at += int.from_bytes(data[at : at + 4], "big")
        yield at, int.from_bytes(data[at : at + 4], "big")
        at += 8


def without_times(path: Path, lost: Callable[[int], bool]) -> Path:
    """Takes the times off some frames of a transport stream. lost: asked for each, from 0 on."""
    data = bytearray(path.read_bytes())
    for number, at in enumerate(_video_headers(data)):
        if lost(number):
            data[at + 7] &= 0x3F  # PTS_DTS_flags (ISO/IEC 13818-1, 2.4.3.7)
            length = data[at + 8]
            data[at + 9 : at + 9 + length] = b"\xff" * length  # stuffing
    path.write_bytes(data)
    return path


def _video_headers(data: bytearray) -> Iterator[int]:
    """Where the PES packets of video start in a transport stream."""
    for at in range(0, len(data), TS_PACKET):
        if data[at + 1] & 0x40:  # payload_unit_start_indicator
            payload = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            if data[payload : payload + 3] == b"\0\0\1" and data[payload + 3] & 0xF0 == 0xE0:
                yield payload
