"""The bytes of a segment: one line of JSON, then a container in memory.

The container is NUT, which takes nearly every codec as it is, or Matroska for the few that NUT
does not know (ProRes).
Its packets are numbered, not timed: NUT refuses negative and equal times,
Matroska rounds to 1 ms. The true times stand in the JSON line, so they are exact whatever the
recording does. `tail -n +2 SEGMENT | ffplay -` plays one.
"""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from workers.video import VideoError

# Packet number n is stored at n of these ticks. NUT divides them further, Matroska keeps them.
NUMBER_TIME_BASE = Fraction(1, 1_000)
# FFmpeg's NUT index aborts the process where key frames are not shown in decode order.
_FORMATS: dict[str, dict[str, str]] = {"nut": {"write_index": "0"}, "matroska": {}}
BIT_EXACT = {"fflags": "+bitexact"}


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What the packets of a segment do not say themselves.

    numbers: packet number of each wanted frame, in presentation order. In a segment
        of encoded output they are the places 0, 1, 2 ...
    pts: presentation time of each wanted frame, in units of `time_base` (seconds a tick).
    damaged: numbers of packets that the recording's container flags as damaged.
    width, height: size of a decoded frame in pixels, before any rotation.
    colorspace, color_range: FFmpeg's AVColorSpace and AVColorRange as the recording's container
        states them, for codecs that carry none.
    """

    numbers: tuple[int, ...]
    pts: tuple[int, ...]
    damaged: tuple[int, ...]
    time_base: Fraction
    width: int
    height: int
    colorspace: int
    color_range: int


def pack(header: SegmentHeader, container: bytes) -> bytes:
    """The segment: `header` on the first line, then the bytes of the container."""
    fields = asdict(header) | {"time_base": str(header.time_base)}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n" + container


def unpack(data: bytes) -> tuple[SegmentHeader, bytes]:
    """The header and the container of a segment; VideoError if it is not one."""
    line, _, container = data.partition(b"\n")
    try:
        fields = json.loads(line)
        header = SegmentHeader(
            numbers=tuple(fields["numbers"]),
            pts=tuple(fields["pts"]),
            damaged=tuple(fields["damaged"]),
            time_base=Fraction(fields["time_base"]),
            width=fields["width"],
            height=fields["height"],
            colorspace=fields["colorspace"],
            color_range=fields["color_range"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise VideoError(
            f"a segment of {len(data)} bytes has no readable header ({error}): "
            "submit the recording again"
        ) from error
    return header, container


def number_packets(frames: Sequence[int]) -> list[int]:
    """Numbers for packets in decode order, such that they rise in presentation order.

    frames: the frame that each packet holds; -1 for a packet that only others are decoded from.
    No number is smaller than the packet's place, since no packet is decoded after it is shown.
    """
    shown = [frame for frame in frames if frame >= 0]
    lowest = min(shown, default=0)
    delay = max((place - (f - lowest) for place, f in enumerate(frames) if f >= 0), default=0)
    # What is never shown is numbered after everything that is.
    unshown = itertools.count(max(shown, default=0) - lowest + delay + len(frames) + 1)
    return [frame - lowest + delay if frame >= 0 else next(unshown) for frame in frames]


def mux_numbered(
    template: VideoStream, packets: Sequence[Packet[Any]], numbers: Sequence[int]
) -> bytes:
    """A container of `packets`, in decode order, each stored at the time of its number.

    template: the stream that the packets come from; it gives the codec's parameters.
    The packets' own times are overwritten.
    """
    buffer = io.BytesIO()
    with _open_container(buffer, template) as output:
        stream = output.streams.video[0]
        for place, (packet, number) in enumerate(zip(packets, numbers, strict=True)):
            packet.stream = stream
            packet.time_base = NUMBER_TIME_BASE
            packet.pts = number
            packet.dts = place
            packet.duration = 1
            output.mux_one(packet)
    return buffer.getvalue()


def _open_container(buffer: io.BytesIO, template: VideoStream) -> OutputContainer:
    for name, options in _FORMATS.items():
        output = av.open(buffer, "w", format=name, options=BIT_EXACT | options)
        try:
            output.add_stream_from_template(template).time_base = NUMBER_TIME_BASE
        except ValueError:  # the container does not know the codec
            output.close()
        else:
            return output
    raise VideoError(
        f"recordings in {template.codec_context.name} cannot be cut into chunks: "
        "export them as H.264 in an MP4 file"
    )
