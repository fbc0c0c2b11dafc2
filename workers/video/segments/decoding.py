"""From a segment's bytes to upright pictures, one for every frame that is expected."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from workers.video import VideoError
from workers.video.reading.index import NOT_SHOWN
from workers.video.segments.damage import DamageRecord, OutputOrder
from workers.video.segments.segment import Segment, StoredPacket

# H.264 and HEVC hold back 16 frames at most, each in two packets where its fields come apart. A
# packet that gave nothing by then never will.
_LONGEST_DELAY = 33


def decode_segment(
    data: bytes, pts: Sequence[int], rotation: int = 0, flip: bool = False
) -> Iterator[NDArray[np.uint8] | None]:
    """Yields the picture of each expected frame, in order: upright BGR (height, width, 3), uint8.

    data: a segment from `cut_segments`. pts: the presentation times of its span's frames
    [first, stop), in the recording's ticks. rotation: clockwise degrees, `VideoIndex.rotation`.
    flip: mirrors left and right after that, for recordings that were stored mirrored.

    None stands for a frame that did not decode, or with errors, or that was predicted from one
    with errors, or that the decoder gives out of its turn: a wrong picture is worse than none.
    Damage that the codec cannot notice stays unnoticed. Colours follow the matrix and range that
    the recording states; where it states none, BT.601 and limited range, as OpenCV takes them.

    Raises VideoError where the segment holds other frames than expected, is not a segment, or
    changes its picture size, and where this machine cannot decode it.
    """
    segment = Segment.from_bytes(data)
    if tuple(pts) != segment.pts:
        raise VideoError(
            f"a segment holds {len(segment.pts)} frames, not the {len(pts)} that were expected: "
            "submit the recording again"
        )
    quarter_turns = -(rotation // 90)
    for frame in _SettledFrames(segment):
        yield None if frame is None else _upright(frame, segment, quarter_turns, flip)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the decoder gave after `sent` packets: frames by their packet's place, failed places."""

    sent: float
    frames: dict[int, VideoFrame]
    failed: list[int]


def _outcomes(context: VideoCodecContext, packets: Sequence[StoredPacket]) -> Iterator[_Outcome]:
    for place, packet in enumerate([*packets, None]):
        frames: dict[int, VideoFrame] = {}
        failed: list[int] = []
        try:
            decoded = context.decode(None if packet is None else packet.opened(place))
        except av.FFmpegError:
            decoded = []
            if packet is not None:
                failed.append(place)
        for frame in decoded:
            if frame.is_corrupt:
                failed.append(frame.pts or 0)
            else:
                frames[frame.pts or 0] = frame
        yield _Outcome(math.inf if packet is None else place + 1, frames, failed)


class _SettledFrames:
    """The wanted frames of a segment, in order; None for one that is lost or spoiled.

    A frame is given out once all that was decoded before it has come out too, since only then is
    it known whether it was predicted from damage. Until then it waits: as many frames as the
    codec reorders.
    """

    def __init__(self, segment: Segment) -> None:
        packets = segment.packets
        self._outcomes = _outcomes(segment.codec.decoder(), packets)
        self._frame_of = [packet.frame for packet in packets]
        # Of two packets that hold a field each, the last completes the frame.
        self._last_place = {frame: place for place, frame in enumerate(self._frame_of)}
        keys = [packet.key for packet in packets]
        self._damage = DamageRecord(self._frame_of, keys)
        self._order = OutputOrder(self._frame_of, keys)
        for place, packet in enumerate(packets):
            if packet.damaged:
                self._damage.add(place)
        self._wanted = deque(range(segment.first, segment.first + len(segment.pts)))
        self._held: dict[int, VideoFrame] = {}
        self._known: set[int] = set()
        self._settled = 0  # all packets before this place have come out, or never will

    def __iter__(self) -> Iterator[VideoFrame | None]:
        if missing := set(self._wanted) - set(self._frame_of):
            raise VideoError(f"a segment lacks frame {min(missing)}: submit the recording again")
        for outcome in self._outcomes:
            self._take(outcome)
            self._settle(outcome.sent)
            while self._wanted and self._last_place[self._wanted[0]] < self._settled:
                frame = self._wanted.popleft()
                held = self._held.pop(frame, None)
                yield None if self._damage.spoils(self._last_place[frame]) else held

    def _take(self, outcome: _Outcome) -> None:
        for place in outcome.failed:
            self._damage.add(place)
            self._known.add(place)
        for place, picture in outcome.frames.items():
            frame = self._frame_of[place]
            self._known.add(place)
            if frame == NOT_SHOWN:
                continue
            if self._order.in_turn(place) and self._wanted and frame >= self._wanted[0]:
                self._held[frame] = picture
            self._known.add(self._last_place[frame])

    def _settle(self, sent: float) -> None:
        while self._settled < len(self._frame_of) and (
            self._settled in self._known or sent - self._settled > _LONGEST_DELAY
        ):
            self._settled += 1


def _upright(
    frame: VideoFrame, segment: Segment, quarter_turns: int, flip: bool
) -> NDArray[np.uint8]:
    if (frame.width, frame.height) != (segment.width, segment.height):
        raise VideoError(
            f"a recording changes its picture size from {segment.width}x{segment.height} to "
            f"{frame.width}x{frame.height} on the way: split it there, or export it again"
        )
    # OpenCV scales the colour planes of odd sizes so too: all pixels equal its own.
    bgr = frame.reformat(format="bgr24", interpolation=Interpolation.BICUBIC).to_ndarray()
    picture = np.rot90(bgr, quarter_turns)
    return np.ascontiguousarray(picture[:, ::-1] if flip else picture, dtype=np.uint8)
