"""From a segment's bytes to upright pictures, one for every frame that is expected."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from workers.arrays import Image
from workers.video import VideoError
from workers.video.pictures.deinterlacing import is_interlaced, refuse_lone_fields
from workers.video.pictures.picture import upright_picture
from workers.video.reading.codec import exact
from workers.video.reading.index import NOT_SHOWN
from workers.video.segments.damage import DamageRecord, OutputOrder
from workers.video.segments.segment import Segment, StoredPacket

# H.264 and HEVC hold back 16 frames at most, each in two packets where its fields come apart. A
# packet that gave nothing by then never will.
LONGEST_DELAY = 33


def decode_segment(
    data: bytes,
    pts: Sequence[int],
    rotation: int = 0,
    flip: bool = False,
    on_woven: Callable[[int], None] = lambda _: None,
) -> Iterator[Image | None]:
    """Yields the picture of each expected frame, in order: upright BGR (height, width, 3), uint8.

    data: a segment from `cut_segments`. pts: the presentation times of its span's frames
    [first, until), in the recording's ticks. rotation: clockwise degrees, `VideoIndex.rotation`.
    flip: mirrors left and right after that, for recordings that were stored mirrored. on_woven:
    told the recording's index of each frame that was woven from two fields.

    None stands for a frame that did not decode, or with errors, or that was predicted from one
    with errors, or that the decoder gives out of its turn: a wrong picture is worse than none.
    Damage that the codec cannot notice stays unnoticed. What else is made of a frame is said at
    `upright_picture`.

    Raises VideoError where the segment holds other frames than expected, is not a segment, or
    changes on the way what its pictures are, and where this machine cannot decode it.
    """
    segment = Segment.from_bytes(data)
    if tuple(pts) != segment.pts:
        raise VideoError(
            f"a segment holds {len(segment.pts)} frames, not the {len(pts)} that were expected: "
            "submit the recording again"
        )
    for index, frame in enumerate(_SettledFrames(segment), segment.first):
        if frame is not None and is_interlaced(frame, segment.form.declared_field_order):
            on_woven(index)
        yield None if frame is None else upright_picture(frame, segment.form, rotation, flip)


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
        self._segment = segment
        self._context = segment.codec.decoder()
        self._outcomes = _outcomes(self._context, packets)
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
        if outcome.frames:
            self._check_aspect()
        for place in outcome.failed:
            self._damage.add(place)
            self._known.add(place)
        for place, picture in outcome.frames.items():
            frame = self._frame_of[place]
            self._known.add(place)
            if frame == NOT_SHOWN:
                continue
            if self._order.in_turn(place) and self._wanted and frame >= self._wanted[0]:
                refuse_lone_fields(picture, self._segment.codec.name)
                self._held[frame] = picture
            self._known.add(self._last_place[frame])

    def _check_aspect(self) -> None:
        aspect = exact(self._context.sample_aspect_ratio)
        if aspect.as_integer_ratio() != self._segment.form.coded_aspect:
            raise VideoError(
                "a recording changes the aspect of its pixels on the way: split it there, or "
                "export it again"
            )

    def _settle(self, sent: float) -> None:
        while self._settled < len(self._frame_of) and (
            self._settled in self._known or sent - self._settled > LONGEST_DELAY
        ):
            self._settled += 1
