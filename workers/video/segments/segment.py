"""The packets that a chunk is decoded from, as they travel to the worker that analyses it.

No container: none takes every codec as it is, and what one leaves out (the order of the bytes of
a pixel, the depth of a sample, a repeated time) shows as wrong pictures. So a segment is what the
recording's own container gave: what the decoder was told, and the packets' bytes.
"""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from typing import Any

import msgspec
from av.packet import Packet, PacketSideData, packet_sidedata_type_from_literal

from workers.video import VideoError
from workers.video.pictures.picture import FrameFormat
from workers.video.reading.codec import CodecParameters

SideData = dict[str, bytes]
"""What a container hands to the decoder beside a packet's bytes, by PyAV's name for it."""

DECODERS_SIDE_DATA: Any = ("palette", "new_extradata", "param_change")
"""The kinds of side data that change decoded pixels. Each holds until the next of its kind."""


class StoredPacket(msgspec.Struct, frozen=True, array_like=True):
    """A compressed packet.

    frame: the recording's frame that it holds, or holds one field of; NOT_SHOWN for one that only
    others are decoded from; key: whether decoding can start here; damaged: its frame is known to
    be broken.
    """

    frame: int
    key: bool
    damaged: bool
    data: memoryview
    side_data: SideData

    def opened(self, place: int) -> Packet[Any]:
        """A packet for a decoder; the frame decoded from it will carry `place` as its time."""
        packet: Packet[Any] = Packet(len(self.data))  # with the zeros behind it that decoders read
        packet.update(self.data)  # type: ignore[arg-type]  # takes any buffer
        packet.is_keyframe = self.key
        packet.pts = packet.dts = place
        for kind, data in self.side_data.items():
            _side_data(kind, data).to_packet(packet, move=True)
        return packet


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Frames [first, first + len(pts)) of a recording, and the packets they are decoded from.

    pts: the frames' presentation times, in the recording's ticks; form: what each frame is, once
    decoded; packets: in decode order.
    """

    codec: CodecParameters
    first: int
    pts: tuple[int, ...]
    form: FrameFormat
    packets: tuple[StoredPacket, ...]

    def to_bytes(self) -> bytes:
        """MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Segment:
        """The segment; its packets are views of `data`. VideoError if it is none."""
        try:
            return msgspec.msgpack.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise VideoError(
                f"{len(data)} bytes are no segment of a recording ({error}): "
                "submit the recording again"
            ) from error


def side_data_of(packet: Packet[Any]) -> SideData:
    """What the decoder needs beside the packet's bytes."""
    return {
        kind: bytes(packet.get_sidedata(kind))
        for kind in DECODERS_SIDE_DATA
        if packet.has_sidedata(kind)
    }


def _side_data(kind: Any, data: bytes) -> PacketSideData:
    make: Any = PacketSideData  # its arguments are missing in PyAV's type hints
    made: PacketSideData = make(packet_sidedata_type_from_literal(kind), len(data))
    made.update(data)
    return made
