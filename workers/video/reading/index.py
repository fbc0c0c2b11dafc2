"""What a recording holds, from one pass over its packets: times, key frames, size, rotation."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame

from workers.video import VideoError
from workers.video.pictures.colour import colour_of
from workers.video.pictures.deinterlacing import declared_field_order, refuse_lone_fields
from workers.video.pictures.picture import FrameFormat, upright_picture
from workers.video.pictures.square_pixels import square_size
from workers.video.reading.codec import CodecParameters, exact
from workers.video.reading.completeness import is_broken_off
from workers.video.reading.decoder_order import decoders_order
from workers.video.reading.display_order import (
    NO_TIME,
    DisplayOrder,
    displayed,
    times_contradict,
    times_jump_back,
)
from workers.video.reading.listing import PacketListing
from workers.video.reading.source import VideoSource
from workers.video.reading.start import DecodedStart

NOT_SHOWN = -1

_DEEPEST = 16  # frames that H.264 can hold back


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """Every frame of a recording, in presentation order, and its packets, in decode order.

    time_base: seconds a tick.
    pts: presentation time of each frame in ticks; rises, and is equal where the file says so.
    times_sorted: the file's times contradicted the decoder's order, and were sorted into it.
    times_filled: how many frames had no time; they lie evenly between their neighbours.
    first_picture: the first frame that can be decoded.
    key_frames: whether each frame starts a group that is decodable by itself.
    packet_pts: the time that the file gives each packet, if any, by which it is known again.
    packet_bytes: the size of each packet.
    packet_frames: for each packet the frame that it holds, or holds one field of; NOT_SHOWN for
        one that an edit list or the codec hides, which others may be decoded from.
    damaged_frames: those whose packet the container flags as damaged, and those from before the
        first key frame.
    form: what a decoded frame is, and what is made of it.
    pixel_format: of a decoded frame, by FFmpeg's name.
    pixel_aspect: width of a pixel over its height, by which `form` has square ones.
    rotation: clockwise degrees (0, 90, 180, 270) that turn a decoded frame upright.
    codec: what a decoder has to be told.
    promised_frames: the container's own count, 0 where it has none. It may be wrong.
    broken_off: the file is shorter than its container declares: its end is lost.
    """

    time_base: Fraction
    pts: tuple[int, ...]
    first_picture: int
    key_frames: tuple[bool, ...]
    packet_pts: tuple[int | None, ...]
    packet_bytes: tuple[int, ...]
    packet_frames: tuple[int, ...]
    damaged_frames: frozenset[int]
    form: FrameFormat
    pixel_format: str
    pixel_aspect: Fraction
    rotation: int
    codec: CodecParameters
    times_sorted: bool
    times_filled: int
    promised_frames: int
    broken_off: bool

    @property
    def frame_count(self) -> int:
        """How many frames the recording shows."""
        return len(self.pts)

    @property
    def width(self) -> int:
        """Pixels across of an upright picture."""
        return self.form.square_height if self.rotation in (90, 270) else self.form.square_width

    @property
    def height(self) -> int:
        """Pixels down of an upright picture."""
        return self.form.square_width if self.rotation in (90, 270) else self.form.square_height

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
    """Lists the frames of a recording in one pass, decoding only its start.

    It is decoded whole as well where times do not tell the order: they contradict the decoder's,
    or some are missing or repeated where frames are reordered, or they are FFmpeg's guess, as for
    H.264 in an AVI, which has no presentation times.

    Raises VideoError where there is no recording to analyse: a missing or empty file, no video
    in it, none that decodes, no times, or an MP4 that was never finished.
    """
    path = Path(path)
    with VideoSource(path) as source:
        codec = CodecParameters.of(source.stream.codec_context)
        listing = PacketListing(source.stream.codec_context)
        start = DecodedStart(source.stream.codec_context)
        for place, packet in enumerate(source.packets()):
            listing.add(packet)
            start.feed(place, packet)
        start.finish()
        if start.first is None:
            raise VideoError(
                f"{source.name}: none of its {len(listing)} video frames can be decoded "
                f"({source.stream.codec_context.name}): copy it again, or export it as H.264"
            )
        broken_off = source.read_error is not None or is_broken_off(path)
        order = _display_order(path, source, listing, start)
        return _index(source, codec, listing, start, order, broken_off)


def _display_order(
    path: Path, source: VideoSource, listing: PacketListing, start: DecodedStart
) -> DisplayOrder:
    times, shown = listing.times(), listing.shown
    output = None
    if _has_to_be_decoded(source, listing, start):
        output = decoders_order(path, len(times), source.stream.codec_context.reorder_depth)
    elif np.any(times[shown] == NO_TIME):
        output = np.arange(len(times))
    try:
        return displayed(times, shown, output)
    except ValueError as error:
        raise VideoError(
            f"{source.name}: only {error}, so action units cannot be dated: convert it to an MP4 "
            "file"
        ) from error


def _has_to_be_decoded(source: VideoSource, listing: PacketListing, start: DecodedStart) -> bool:
    """Whether times alone do not tell the order in which frames are shown."""
    times, output = listing.times(), start.output()
    own = times[listing.shown]
    incomplete = listing.decode_times_only or bool(np.any(own == NO_TIME))
    repeated = len(np.unique(own)) < len(own)
    reorders = listing.bidirectional or source.stream.codec_context.reorder_depth > 0
    # Times that rise as packets are decoded, though some are shown in another order.
    undelayed = (
        bool(np.all(np.diff(own[own != NO_TIME]) > 0))
        and (listing.bidirectional or not listing.decode_times_differ)
        and not listing.flagged.all()
    )
    return (
        times_contradict(times, output)
        or times_jump_back(times, listing.flagged)
        or (reorders and (incomplete or repeated or undelayed))
        or (source.guesses_times and listing.decode_times_differ)
    )


def _index(
    source: VideoSource,
    codec: CodecParameters,
    listing: PacketListing,
    start: DecodedStart,
    order: DisplayOrder,
    broken_off: bool,
) -> VideoIndex:
    frames = np.full(len(listing), NOT_SHOWN, np.int64)
    frames[order.places] = np.arange(len(order.places))
    for place in np.flatnonzero(listing.completes).tolist():
        frames[place] = frames[place - 1]
    # Before its first key frame a codec has nothing to predict from.
    first_key = int(np.argmax(listing.flagged)) if listing.flagged.any() else 0
    untrusted = listing.corrupt | (np.arange(len(listing)) < first_key)
    assert start.first is not None
    return VideoIndex(
        first_picture=max(0, int(frames[start.first_place])),
        time_base=exact(source.stream.time_base),
        pts=tuple(order.times.tolist()),
        key_frames=tuple(listing.starts[order.places].tolist()),
        packet_pts=tuple(None if time == NO_TIME else time for time in listing.times().tolist()),
        packet_bytes=tuple(listing.sizes),
        packet_frames=tuple(frames.tolist()),
        damaged_frames=frozenset(frames[untrusted].tolist()) - {NOT_SHOWN},
        form=_form(source, codec, start.first),
        pixel_format=start.first.format.name,
        pixel_aspect=_pixel_aspect(source),
        rotation=_upright_rotation(source.name, start.first),
        codec=replace(codec, reorder_depth=_reorder_depth(source, order)),
        times_sorted=order.times_sorted,
        times_filled=order.times_filled,
        promised_frames=source.stream.frames,
        broken_off=broken_off,
    )


def _reorder_depth(source: VideoSource, order: DisplayOrder) -> int:
    """What the decoder has found out by now, or what the order of frames takes, if that is more."""
    return max(source.stream.codec_context.reorder_depth, min(order.delay, _DEEPEST))


def _form(source: VideoSource, codec: CodecParameters, first: VideoFrame) -> FrameFormat:
    coded_aspect = exact(source.stream.codec_context.sample_aspect_ratio)
    aspect = _pixel_aspect(source)
    width, height = square_size(first.width, first.height, aspect, source.name)
    form = FrameFormat(
        width=first.width,
        height=first.height,
        square_width=width,
        square_height=height,
        colour=colour_of(first, codec.tag, source.name),
        coded_aspect=coded_aspect.as_integer_ratio(),
        declared_field_order=declared_field_order(codec.name, codec.field_order),
    )
    try:
        refuse_lone_fields(first, codec.name)
        upright_picture(first, form)
    except VideoError as error:
        raise VideoError(f"{source.name}: {error}") from error
    return form


def _pixel_aspect(source: VideoSource) -> Fraction:
    """What the container says, else the codec; 1 where neither does."""
    stream = source.stream
    coded = stream.codec_context.sample_aspect_ratio
    return exact(stream.sample_aspect_ratio) or exact(coded) or Fraction(1)


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
