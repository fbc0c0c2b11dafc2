"""From a segment's bytes to upright pictures, one for every frame that is expected."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import io
import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from workers.video import VideoError
from workers.video.segments.damage import DamageRecord
from workers.video.segments.segment import NUMBER_TIME_BASE, SegmentHeader, unpack

# H.264 and HEVC hold back 16 frames at most; a packet that gave nothing by then never will.
_LONGEST_DELAY = 17
_UNSPECIFIED_COLORSPACE = 2  # AVCOL_SPC_UNSPECIFIED
_UNSPECIFIED_RANGE = 0  # AVCOL_RANGE_UNSPECIFIED


def decode_segment(
    data: bytes, pts: Sequence[int], rotation: int = 0, flip: bool = False
) -> Iterator[NDArray[np.uint8] | None]:
    """Yields the picture of each expected frame, in order: upright BGR (height, width, 3), uint8.

    data: a segment from `cut_segments`. pts: the presentation times of its span's frames
    [first, stop), in the recording's ticks. rotation: clockwise degrees, `VideoIndex.rotation`.
    flip: mirrors left and right after that, for recordings that were stored mirrored.

    None stands for a frame that did not decode, or with errors, or that was predicted from one
    with errors: a wrong picture is worse than none. Damage that the codec cannot notice stays
    unnoticed. Colours follow the matrix and range that the recording states; where it states
    none, BT.601 and limited range, as OpenCV takes them.

    Raises VideoError where the segment holds other frames than expected, is not a segment, or
    changes its picture size.
    """
    header, container = unpack(data)
    if tuple(pts) != header.pts:
        raise VideoError(
            f"a segment holds {len(header.pts)} frames, not the {len(pts)} that were expected: "
            "submit the recording again"
        )
    quarter_turns = -(rotation // 90)
    for frame in _sound_frames(container, header):
        yield None if frame is None else _upright(frame, header, quarter_turns, flip)


def _sound_frames(container: bytes, header: SegmentHeader) -> Iterator[VideoFrame | None]:
    """The frame of each wanted number, None for one that is lost or spoiled.

    A frame is given out once all that was decoded before it has come out too, since only then is
    it known whether it was predicted from damage. Until then it waits: as many frames as the
    codec reorders.
    """
    with av.open(io.BytesIO(container), "r") as source:
        stream = source.streams.video[0]
        # One thread: what a damaged packet does to its neighbours depends on how many there are.
        stream.codec_context.thread_count = 1
        ticks = NUMBER_TIME_BASE / Fraction(stream.time_base or NUMBER_TIME_BASE)
        packets = [packet for packet in source.demux(stream) if packet.size]
        numbers = [round((packet.pts or 0) / ticks) for packet in packets]
        places = {number: place for place, number in enumerate(numbers)}
        keys = [n for n, packet in zip(numbers, packets, strict=True) if packet.is_keyframe]
        damage = DamageRecord(places, keys)
        for number in header.damaged:
            damage.add(number)
        yield from _settled_frames(_outcomes(stream, packets, ticks), header, places, damage)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the decoder gave after `sent` packets: sound frames by number, and failed numbers."""

    sent: float
    frames: dict[int, VideoFrame]
    failed: list[int]


def _outcomes(
    stream: VideoStream, packets: Sequence[Packet[VideoStream]], ticks: Fraction
) -> Iterator[_Outcome]:
    for sent, packet in enumerate([*packets, None], start=1):
        frames: dict[int, VideoFrame] = {}
        failed: list[int] = []
        try:
            decoded = stream.codec_context.decode(packet)
        except av.FFmpegError:
            decoded = []
            if packet is not None:
                failed.append(round((packet.pts or 0) / ticks))
        for frame in decoded:
            number = round((frame.pts or 0) / ticks)
            if frame.is_corrupt:
                failed.append(number)
            else:
                frames[number] = frame
        yield _Outcome(math.inf if packet is None else sent, frames, failed)


def _settled_frames(
    outcomes: Iterator[_Outcome],
    header: SegmentHeader,
    places: Mapping[int, int],
    damage: DamageRecord,
) -> Iterator[VideoFrame | None]:
    awaited = set(header.numbers)
    wanted = deque(header.numbers)
    held: dict[int, VideoFrame] = {}
    known: set[int] = set()
    settled = 0  # all packets before this place have come out, or never will
    for outcome in outcomes:
        for number in outcome.failed:
            damage.add(number)
        known.update(places[number] for number in (*outcome.frames, *outcome.failed))
        held.update((n, frame) for n, frame in outcome.frames.items() if n in awaited)
        while settled < len(places) and (
            settled in known or outcome.sent - settled > _LONGEST_DELAY
        ):
            settled += 1
        while wanted and places[wanted[0]] < settled:
            number = wanted.popleft()
            frame = held.pop(number, None)
            yield None if damage.spoils(number) else frame


def _upright(
    frame: VideoFrame, header: SegmentHeader, quarter_turns: int, flip: bool
) -> NDArray[np.uint8]:
    if (frame.width, frame.height) != (header.width, header.height):
        raise VideoError(
            f"a recording changes its picture size from {header.width}x{header.height} to "
            f"{frame.width}x{frame.height} on the way: split it there, or export it again"
        )
    if frame.colorspace == _UNSPECIFIED_COLORSPACE:
        frame.colorspace = header.colorspace
    if frame.color_range == _UNSPECIFIED_RANGE:
        frame.color_range = header.color_range
    # OpenCV scales the colour planes of odd sizes so too: all pixels equal its own.
    bgr = frame.reformat(format="bgr24", interpolation=Interpolation.BICUBIC).to_ndarray()
    picture = np.rot90(bgr, quarter_turns)
    return np.ascontiguousarray(picture[:, ::-1] if flip else picture, dtype=np.uint8)
