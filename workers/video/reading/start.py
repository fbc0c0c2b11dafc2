"""The start of a recording, decoded: its first picture, and in which order frames come out."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from typing import Any

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

# Packets that are decoded once there is a picture: several groups that are reordered, in any codec.
_PACKETS = 48


class DecodedStart:
    """Decodes the packets that it is given until it has seen enough.

    first: the first picture that can be trusted, None until there is one; first_place: its
    packet's place. No codec gives a right picture from before its first key frame, and some give a
    wrong one.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        self._context = context
        # One thread: the decoder then holds no more frames back than it reorders.
        context.thread_count = 1
        self.first: VideoFrame | None = None
        self.first_place = 0
        self._before_keys: VideoFrame | None = None
        self._first_key: int | None = None
        self._output: list[int] = []
        self._left = _PACKETS

    def feed(self, place: int, packet: Packet[Any]) -> None:
        """Decodes the packet at `place`, if that is still of use."""
        if self._left <= 0:
            return
        if packet.is_keyframe and self._first_key is None:
            self._first_key = place
        packet.pts = place
        self._take(packet)
        if self.first is not None:
            self._left -= 1

    def finish(self) -> None:
        """To be called at the end of the recording."""
        if self._left > 0:
            self._take(None)
        if self._first_key is None and self._before_keys is not None:
            self._first(self._before_keys)

    def _take(self, packet: Packet[Any] | None) -> None:
        for frame in decoded(self._context, packet):
            place = frame.pts or 0
            self._output.append(place)
            if self._first_key is None or place < self._first_key:
                self._before_keys = self._before_keys or frame
            else:
                self._first(frame)

    def _first(self, frame: VideoFrame) -> None:
        if self.first is None:
            self.first, self.first_place = frame, frame.pts or 0

    def output(self) -> NDArray[np.int64]:
        """The places of packets in the order in which their frames came out."""
        return np.asarray(self._output, np.int64)


def decoded(context: VideoCodecContext, packet: Packet[Any] | None) -> list[VideoFrame]:
    """The frames that the decoder gives for `packet` (None: those that it still holds back)."""
    try:
        return context.decode(packet)
    except av.FFmpegError:
        return []  # damaged: the packets after it may do
