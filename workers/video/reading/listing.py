"""What the packets of a recording say, one by one, before its frames are put in order."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from typing import Any

import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

from workers.video.reading.display_order import NO_TIME
from workers.video.reading.h264 import FieldPairs, decodes_at_once

_VP8_SHOWN = 0x10  # RFC 6386, 9.1: show_frame in a frame's first byte


class PacketListing:
    """What is kept of each packet, in decode order: some 60 bytes a packet.

    times: presentation times in the file's ticks; NO_TIME where the file has none. sizes: bytes.
    flagged: the container calls it a key frame. starts: decoding can start there.
    shown: it holds a frame that is shown. completes: it holds the second field of the frame before.
    corrupt: the container calls it damaged. decode_times_differ: some packet is shown at another
    time than it is decoded. decode_times_only: some packet has no time but that.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        self._codec = context.name
        self._extradata = context.extradata
        self._field_pairs = FieldPairs(context.extradata) if self._codec == "h264" else None
        self._times: list[int] = []
        self._flags: list[tuple[bool, bool, bool, bool, bool]] = []
        self.sizes: list[int] = []
        self.decode_times_differ = False
        self.decode_times_only = False

    def __len__(self) -> int:
        return len(self.sizes)

    def add(self, packet: Packet[Any]) -> None:
        """Lists the next packet."""
        time = presentation_time(packet)
        key = packet.is_keyframe
        completes = self._completes(packet)
        starts = key and not completes and self._starts(packet)
        shown = not packet.is_discard and not completes and self._is_shown(packet)
        self._times.append(NO_TIME if time is None else time)
        self._flags.append((key, starts, shown, completes, packet.is_corrupt))
        self.sizes.append(packet.size)
        if packet.dts is not None and packet.dts != packet.pts:
            self.decode_times_differ = True
            self.decode_times_only = self.decode_times_only or packet.pts is None

    def times(self) -> NDArray[np.int64]:
        """(packets,) presentation times."""
        return np.asarray(self._times, np.int64)

    def flags(self) -> NDArray[np.bool_]:
        """(5, packets): flagged, starts, shown, completes, corrupt."""
        return np.asarray(self._flags, np.bool_).reshape(-1, 5).T

    def _starts(self, packet: Packet[Any]) -> bool:
        return self._codec != "h264" or decodes_at_once(bytes(packet), self._extradata)

    def _completes(self, packet: Packet[Any]) -> bool:
        if self._field_pairs is None:
            return False
        return self._field_pairs.completes(bytes(packet), packet.is_keyframe)

    def _is_shown(self, packet: Packet[Any]) -> bool:
        return self._codec != "vp8" or bool(memoryview(packet)[0] & _VP8_SHOWN)


def presentation_time(packet: Packet[Any]) -> int | None:
    """In the file's ticks. A packet that has only a decode time is shown as it is decoded."""
    return packet.pts if packet.pts is not None else packet.dts
