"""What a recording holds, from one pass over its packets: times, key frames, size, rotation."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from workers.video import VideoError
from workers.video.reading.completeness import is_broken_off
from workers.video.reading.h264 import decodes_at_once
from workers.video.reading.source import VideoSource

NOT_SHOWN = -1


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """Every frame of a recording, in presentation order, and its packets, in decode order.

    time_base: seconds a tick.
    pts: presentation time of each frame in ticks; rises, and is equal where the file says so.
    key_frames: whether each frame starts a group that is decodable by itself.
    packet_pts: the time that the file gives each packet, by which it is known again.
    packet_bytes: the size of each packet.
    packet_frames: for each packet the frame that it holds; NOT_SHOWN for one that an edit list
        hides, which others may be decoded from.
    damaged_frames: frames whose packet the container flags as damaged.
    coded_width, coded_height: pixels of a decoded frame.
    rotation: clockwise degrees (0, 90, 180, 270) that turn a decoded frame upright.
    reorder_depth: how many frames the decoder holds back to reorder.
    promised_frames: the container's own count, 0 where it has none. It may be wrong.
    broken_off: the file is shorter than its container declares: its end is lost.
    """

    time_base: Fraction
    pts: tuple[int, ...]
    key_frames: tuple[bool, ...]
    packet_pts: tuple[int, ...]
    packet_bytes: tuple[int, ...]
    packet_frames: tuple[int, ...]
    damaged_frames: frozenset[int]
    coded_width: int
    coded_height: int
    rotation: int
    reorder_depth: int
    promised_frames: int
    broken_off: bool

    @property
    def frame_count(self) -> int:
        """How many frames the recording shows."""
        return len(self.pts)

    @property
    def width(self) -> int:
        """Pixels across of an upright frame."""
        return self.coded_height if self.rotation in (90, 270) else self.coded_width

    @property
    def height(self) -> int:
        """Pixels down of an upright frame."""
        return self.coded_width if self.rotation in (90, 270) else self.coded_height

    @property
    def missing_frames(self) -> int:
        """Frames lost at the end: 0 unless the file is broken off and its container counts."""
        if not self.broken_off:
            return 0
        return max(0, self.promised_frames - len(self.packet_frames))

    def seconds(self, frame: int) -> float:
        """Presentation time of a frame on the recording's own clock, in seconds."""
        return float(self.pts[frame] * self.time_base)


def read_index(path: Path | str) -> VideoIndex:
    """Lists the frames of a recording in one pass, decoding only up to its first picture.

    H.264 with reordered frames in an AVI is decoded whole as well: an AVI has no presentation
    times, and FFmpeg guesses them wrongly where frames are reordered in more than one step.

    Raises VideoError where there is no recording to analyse: a missing or empty file, no video
    in it, none that decodes, or an MP4 that was never finished.
    """
    path = Path(path)
    with VideoSource(path) as source:
        listing = _PacketListing()
        first: VideoFrame | None = None
        for pts, packet in source.packets():
            listing.add(pts, packet, _starts_decoding(source.stream, packet))
            if first is None:
                first = next(iter(_decode(source.stream, packet)), None)
        if first is None:
            first = next(iter(_decode(source.stream, None)), None)
        if first is None:
            raise VideoError(
                f"{source.name}: none of its {len(listing.pts)} video frames can be decoded "
                f"({source.stream.codec_context.name}): copy it again, or export it as H.264"
            )
        broken_off = source.read_error is not None or is_broken_off(path)
        if source.guesses_times and listing.reordered:
            listing.shown_at = _output_positions(path, len(listing.pts))
        return listing.index(source, first, broken_off)


class _PacketListing:
    """What the index needs of each packet: some 50 bytes a packet."""

    def __init__(self) -> None:
        self.pts: list[int] = []
        self.bytes: list[int] = []
        self.key: list[bool] = []
        self.shown: list[bool] = []
        self.corrupt: list[bool] = []
        self.reordered = False
        self.shown_at: NDArray[np.int64] | None = None

    def add(self, pts: int, packet: Packet[VideoStream], key: bool) -> None:
        self.pts.append(pts)
        self.bytes.append(packet.size)
        self.key.append(key)
        self.shown.append(not packet.is_discard)
        self.corrupt.append(packet.is_corrupt)
        self.reordered = self.reordered or packet.dts != packet.pts

    def index(self, source: VideoSource, first: VideoFrame, broken_off: bool) -> VideoIndex:
        pts = np.asarray(self.pts, np.int64)
        shown = np.flatnonzero(self.shown)
        order = pts if self.shown_at is None else self.shown_at
        # Equal times keep their decode order, so that every frame is listed once.
        packet_of_frame = shown[np.argsort(order[shown], kind="stable")]
        packet_frames = np.full(len(pts), NOT_SHOWN, np.int64)
        packet_frames[packet_of_frame] = np.arange(len(packet_of_frame))
        corrupt = np.flatnonzero(np.asarray(self.corrupt, bool)[packet_of_frame])
        return VideoIndex(
            time_base=Fraction(source.stream.time_base or 0),
            pts=tuple(np.sort(pts[shown]).tolist()),
            packet_pts=tuple(self.pts),
            packet_bytes=tuple(self.bytes),
            key_frames=tuple(np.asarray(self.key, bool)[packet_of_frame].tolist()),
            packet_frames=tuple(packet_frames.tolist()),
            damaged_frames=frozenset(corrupt.tolist()),
            coded_width=first.width,
            coded_height=first.height,
            rotation=_upright_rotation(source.name, first),
            reorder_depth=source.stream.codec_context.reorder_depth,
            promised_frames=source.stream.frames,
            broken_off=broken_off,
        )


def _starts_decoding(stream: VideoStream, packet: Packet[VideoStream]) -> bool:
    context = stream.codec_context
    return packet.is_keyframe and (
        context.name != "h264" or decodes_at_once(bytes(packet), context.extradata)
    )


def _decode(stream: VideoStream, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    """The frames that the decoder gives for `packet` (None: those that it still holds back)."""
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError:
        return []  # damaged: the packets after it may do


def _output_positions(path: Path, packets: int) -> NDArray[np.int64]:
    """For each packet how many frames the decoder gives before its own, by decoding all.

    A packet that gives none counts as shown right after the one that was decoded before it.
    """
    with VideoSource(path) as source:
        outputs = list(_places_by_output(source))
    positions = np.full(packets, -1, np.int64)
    positions[outputs] = np.arange(len(outputs))
    for place in range(1, packets):
        if positions[place] < 0:
            positions[place] = positions[place - 1]
    return positions


def _places_by_output(source: VideoSource) -> Iterator[int]:
    packets = (packet for _, packet in source.packets())
    for place, packet in enumerate(chain(packets, [None])):
        if packet is not None:
            packet.pts = place
        for frame in _decode(source.stream, packet):
            if frame.pts is not None:
                yield frame.pts


def _upright_rotation(name: str, frame: VideoFrame) -> int:
    """Clockwise degrees that turn the frame upright, from its display matrix.

    The matrix (ISO/IEC 14496-12, 6.2.2) is nine 32-bit numbers, a b u c d v x y w.
    """
    matrix = cast(SideData | None, frame.side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return 0
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    if a * d - b * c < 0:
        raise VideoError(
            f"{name}: is stored as its mirror image, so left and right are unsure: "
            "export it again with a video editor"
        )
    rotation = round(math.degrees(math.atan2(b, a)), 3) % 360
    if rotation not in (0, 90, 180, 270):
        raise VideoError(
            f"{name}: asks to be shown turned by {rotation:g} degrees: "
            "export it again, turned by a multiple of 90"
        )
    return int(rotation)
