"""What one analysed chunk gave, kept in a file: simulated sessions give it again and again."""

import io
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import av
import msgspec
import numpy as np
from av.packet import Packet

from workers.chunk.order import ChunkOrder, VideoName
from workers.chunk.rows import ChunkRows
from workers.video.writing.encoded_segment import BIT_EXACT, EncodedSegment

KEPT_LENGTHS = 4


class ChunkExample(msgspec.Struct, frozen=True, kw_only=True):
    """rows: ChunkRows; videos: an EncodedSegment for each video, of as many frames."""

    rows: bytes
    videos: dict[VideoName, bytes]

    def write(self, path: Path) -> None:
        """Keep it in a file."""
        path.write_bytes(msgspec.msgpack.encode(self))

    @classmethod
    @lru_cache(maxsize=1)
    def read(cls, path: Path) -> Self:
        """The example in a file. Raises OSError, or msgspec.DecodeError where it is none."""
        return msgspec.msgpack.decode(path.read_bytes(), type=cls)

    def rows_of(self, order: ChunkOrder) -> ChunkRows:
        """Rows for the frames of a chunk: the example's from its first on, over and over."""
        rows = _opened(self.rows)
        places = np.arange(order.frames) % len(rows)
        own = {f.name: getattr(rows, f.name)[places] for f in fields(rows) if f.name != "aus"}
        aus = {f.name: getattr(rows.aus, f.name)[places] for f in fields(rows.aus)}
        return ChunkRows(**own, aus=type(rows.aus)(**aus))

    def videos_of(self, order: ChunkOrder) -> dict[VideoName, bytes]:
        """Videos for the frames of a chunk, with its times. Raises KeyError where the example has
        not all that it wants."""
        return {
            name: at_the_times_of(order, _repeated(self.videos[name], order.frames))
            for name in order.settings.videos
        }


@lru_cache(maxsize=1)
def _opened(rows: bytes) -> ChunkRows:
    return ChunkRows.from_bytes(rows)


def at_the_times_of(order: ChunkOrder, segment: EncodedSegment) -> bytes:
    """A segment of as many frames as a chunk has, at the chunk's times."""
    pts = order.own_pts
    ticks = {"numerator": order.numerator, "denominator": order.denominator}
    return msgspec.structs.replace(segment, pts=pts, **ticks).to_bytes()


@lru_cache(maxsize=2 * KEPT_LENGTHS)
def _repeated(video: bytes, frames: int) -> EncodedSegment:
    """The video's packets from the first on, which is a key frame, over and over."""
    segment = EncodedSegment.from_bytes(video)
    buffer = io.BytesIO()
    with (
        av.open(io.BytesIO(segment.nut), "r", format="nut") as source,
        av.open(buffer, "w", format="nut", options=BIT_EXACT) as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        given = [packet for packet in source.demux(video=0) if packet.size]
        for place in range(frames):
            output.mux_one(_copy(given, place, stream))
    return msgspec.structs.replace(segment, pts=tuple(range(frames)), nut=buffer.getvalue())


def _copy(given: Sequence[Any], place: int, stream: Any) -> "Packet[Any]":
    original = given[place % len(given)]
    packet: Packet[Any] = Packet(bytes(original))
    packet.is_keyframe = original.is_keyframe
    packet.pts = packet.dts = place
    packet.time_base = given[0].time_base
    packet.stream = stream
    return packet
