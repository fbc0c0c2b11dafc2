"""Joins encoded segments into one MP4 file by copying packets, without re-encoding."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.video.stream import VideoStream

from workers.video import VideoError
from workers.video.reading.completeness import is_broken_off
from workers.video.reading.source import VideoSource
from workers.video.writing.encoded_segment import BIT_EXACT, EncodedSegment

_FINEST_TIMESCALE = 2**31 - 1  # MP4 stores 32 bits
_COARSEST_TIMESCALE = 10_000
_SINGLE_FRAME_SECONDS = Fraction(1, 30)

# FFmpeg decodes pictures to find out what it opens; the first segment has told it.
_NOTHING_DECODED: dict[str, Any] = {
    "options": {"probesize": "32"},
    "stream_options": [{"skip_frame": "all"}],
}


def join_segments(segments: Iterable[bytes], destination: Path | str, time_base: Fraction) -> int:
    """Writes the segments of `SegmentEncoder`, in order, to an MP4 file; returns its frame count.

    time_base: seconds a tick of the times in the segments.

    The first frame is at 0, later ones at their exact distance from it; a frame at the same time
    as the one before is nudged by one tick of the file. Each frame lasts until the next one, the
    last as long as the one before it. The same segments give the same bytes. The file can be
    played while it is still being fetched (its index comes first).

    Raises VideoError where there are no frames, where segments do not belong together, or where
    the file could not be written whole (disk full); no file is left behind then.
    """
    destination = Path(destination)
    try:
        frames = _write(segments, destination, time_base)
        _check_whole(destination, frames)
    except (av.FFmpegError, OSError) as error:
        destination.unlink(missing_ok=True)
        raise VideoError(
            f"{destination.name}: could not be written to {destination.parent} ({error}): "
            "is the disk full, may this user write there?"
        ) from error
    except BaseException:
        destination.unlink(missing_ok=True)
        raise
    return frames


def _write(segments: Iterable[bytes], destination: Path, time_base: Fraction) -> int:
    packets = _packets(segments, destination.name, time_base)
    first = next(packets, None)
    if first is None:
        raise VideoError(f"{destination.name}: there are no frames to write: analyse them first")
    timescale = _timescale(time_base)
    options = BIT_EXACT | {
        "movflags": "+faststart",
        "use_editlist": "0",
        "video_track_timescale": str(timescale),
    }
    with av.open(str(destination), "w", format="mp4", options=options) as output:
        stream = output.add_stream_from_template(first.stream)
        stream.time_base = Fraction(1, timescale)
        frames = 0
        for packet, ticks, duration in _timed(chain([first], packets), time_base, timescale):
            packet.stream = stream
            packet.time_base = Fraction(1, timescale)
            packet.pts = packet.dts = ticks
            packet.duration = duration
            output.mux_one(packet)
            frames += 1
    return frames


@dataclass(frozen=True, slots=True)
class _SourcePacket:
    """One frame: its presentation time in the recording's ticks, and where it was read from."""

    pts: int
    packet: Packet[VideoStream]
    stream: VideoStream


def _packets(segments: Iterable[bytes], name: str, time_base: Fraction) -> Iterator[_SourcePacket]:
    parameters: bytes | None = None
    latest: int | None = None
    for place, data in enumerate(segments):
        segment = EncodedSegment.from_bytes(data)
        if not segment.pts:
            continue
        ticks = Fraction(segment.numerator, segment.denominator)
        if ticks != time_base or (latest is not None and segment.pts[0] < latest):
            raise VideoError(
                f"{name}: the times of segment {place} do not follow those before it: "
                "analyse the recording again"
            )
        latest = segment.pts[-1]
        opening = _NOTHING_DECODED if parameters else {}
        with av.open(io.BytesIO(segment.nut), "r", format="nut", **opening) as source:
            stream = source.streams.video[0]
            parameters = parameters or stream.codec_context.extradata
            if stream.codec_context.extradata != parameters:
                raise VideoError(
                    f"{name}: segment {place} was encoded in another way than the first one: "
                    "analyse the recording with one kind of encoder"
                )
            packets = [packet for packet in source.demux(stream) if packet.size]
            if len(packets) != len(segment.pts):
                raise VideoError(
                    f"{name}: segment {place} holds {len(packets)} frames, not "
                    f"{len(segment.pts)}: analyse the recording again"
                )
            for pts, packet in zip(segment.pts, packets, strict=True):
                yield _SourcePacket(pts, packet, stream)


def _timed(
    packets: Iterable[_SourcePacket], time_base: Fraction, timescale: int
) -> Iterator[tuple[Packet[VideoStream], int, int]]:
    """(packet, time, duration), in ticks of the file: times from 0 on, each later than the last."""
    duration = max(1, round(_SINGLE_FRAME_SECONDS * timescale))
    origin: int | None = None
    waiting: tuple[Packet[VideoStream], int] | None = None
    scale = time_base * timescale
    for source in packets:
        origin = source.pts if origin is None else origin
        ticks, between = divmod((source.pts - origin) * scale.numerator, scale.denominator)
        if between:
            ticks = round((source.pts - origin) * scale)
        if waiting is not None:
            ticks = max(ticks, waiting[1] + 1)
            duration = ticks - waiting[1]
            yield *waiting, duration
        waiting = source.packet, ticks
    if waiting is not None:
        yield *waiting, duration


def _timescale(time_base: Fraction) -> int:
    """Ticks a second that hold every time exactly, where 32 bits allow it."""
    timescale = time_base.denominator
    while timescale < _COARSEST_TIMESCALE:
        timescale *= 2
    return min(timescale, _FINEST_TIMESCALE)


def _check_whole(destination: Path, frames: int) -> None:
    """A full disk shows up late; what was written is read back before it is trusted."""
    with VideoSource(destination) as source:
        found = sum(1 for _ in source.packets())
    if found != frames or is_broken_off(destination):
        raise VideoError(
            f"{destination.name}: only {found} of {frames} frames reached the disk: is it full?"
        )
