"""What the packets of a recording say, one by one, before its frames are put in order."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from typing import Any

import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from workers.video.reading.display_order import NO_TIME
from workers.video.reading.h264 import FieldPairs, decodes_at_once, is_bidirectional

_START_BYTES = 2048
_VP8_SHOWN = 0x10  # RFC 6386, 9.1: show_frame in a frame's first byte


class PacketListing:
    """What is kept of each packet, in decode order: some 100 bytes a packet.

    sizes: bytes of each. decode_times_differ: some packet is shown at another time than it is
    decoded. decode_times_only: some packet has no time but that. bidirectional: some H.264 frame is
    predicted from later ones.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        self._codec = context.name
        self._extradata = context.extradata
        self._field_pairs = FieldPairs(context.extradata) if self._codec == "h264" else None
        self._times: list[int] = []
        self._flags = bytearray()
        self.sizes: list[int] = []
        self.decode_times_differ = False
        self.decode_times_only = False
        self.bidirectional = False

    def __len__(self) -> int:
        return len(self.sizes)

    def add(self, packet: Packet[Any]) -> None:
        """Lists the next packet."""
        time = presentation_time(packet)
        key = packet.is_keyframe
        completes = self._completes(packet)
        starts = key and not completes and self._starts(packet)
        shown = not packet.is_discard and not completes and self._is_shown(packet)
        if self._codec == "h264" and not self.bidirectional:
            start = bytes(memoryview(packet)[:_START_BYTES])
            self.bidirectional = is_bidirectional(start, self._extradata)
        self._times.append(NO_TIME if time is None else time)
        flags = (key, starts, shown, completes, packet.is_corrupt)
        self._flags.append(sum(flag << bit for bit, flag in enumerate(flags)))
        self.sizes.append(packet.size)
        if packet.dts is not None and packet.dts != packet.pts:
            self.decode_times_differ = True
            self.decode_times_only = self.decode_times_only or packet.pts is None

    def times(self) -> NDArray[np.int64]:
        """(packets,) presentation times in the file's ticks; NO_TIME where it has none."""
        return np.asarray(self._times, np.int64)

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """(packets,) the container calls it a key frame."""
        return self._flag(0)

    @property
    def starts(self) -> NDArray[np.bool_]:
        """(packets,) decoding can start there."""
        return self._flag(1)

    @property
    def shown(self) -> NDArray[np.bool_]:
        """(packets,) it holds a frame that is shown, or its first field."""
        return self._flag(2)

    @property
    def completes(self) -> NDArray[np.bool_]:
        """(packets,) it holds the second field of the frame before."""
        return self._flag(3)

    @property
    def corrupt(self) -> NDArray[np.bool_]:
        """(packets,) the container calls it damaged."""
        return self._flag(4)

    def _flag(self, bit: int) -> NDArray[np.bool_]:
        return np.frombuffer(self._flags, np.uint8) >> bit & 1 > 0

    def _starts(self, packet: Packet[Any]) -> bool:
        return self._codec != "h264" or decodes_at_once(bytes(packet), self._extradata)

    def _completes(self, packet: Packet[Any]) -> bool:
        pairs = self._field_pairs
        if pairs is None or (pairs.are_impossible and not packet.is_keyframe):
            return False
        return pairs.completes(bytes(packet))

    def _is_shown(self, packet: Packet[Any]) -> bool:
        return self._codec != "vp8" or bool(memoryview(packet)[0] & _VP8_SHOWN)


def presentation_time(packet: Packet[Any]) -> int | None:
    """In the file's ticks. A packet that has only a decode time is shown as it is decoded."""
    return packet.pts if packet.pts is not None else packet.dts
