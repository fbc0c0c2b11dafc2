"""Whether frames come out of a cut segment as they come out of the file itself.

Every recording is tried before it is cut up: what a codec or container might lose on the way would
give wrong pictures, and nothing behind this would notice.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import av
import numpy as np

from workers.arrays import Image
from workers.video import VideoError
from workers.video.pictures.picture import upright_picture
from workers.video.reading.index import NOT_SHOWN, VideoIndex
from workers.video.reading.source import VideoSource
from workers.video.segments.cutting import cut_segments
from workers.video.segments.decoding import LONGEST_DELAY, decode_segment
from workers.video.segments.planning import ChunkSpan
from workers.video.segments.segment import side_data_of

# The file's own decoder starts this many packets before the segment's, so that a key frame which
# is none shows; but not at a key frame further back than that.
_AHEAD, _FURTHEST = 60, 600


def check_cut(path: Path | str, index: VideoIndex, spans: Sequence[ChunkSpan]) -> None:
    """Decodes the first picture, and the first ones of the second chunk, both ways.

    spans: the recording's chunks; only the first two are looked at. Frames that cannot be decoded
    either way prove nothing.

    Raises VideoError where a pixel differs, or where the cut loses all that the file gives.
    """
    path = Path(path)
    first = index.first_picture
    key = next((frame for frame in range(first, 0, -1) if index.key_frames[frame]), 0)
    probed = [ChunkSpan(first, first + 1, first, key, first + 1)]
    for span in spans[1:2]:
        first, stop = span.first, span.start + 1
        probed.append(ChunkSpan(span.start, stop, first, span.decode_from, stop))
    for span in probed:
        _check(path, index, span)


def _check(path: Path, index: VideoIndex, span: ChunkSpan) -> None:
    direct = _direct_digests(path, index, span)
    given = 0
    for frame, found in enumerate(_cut_pictures(path, index, span), span.first):
        if frame in direct and found is not None:
            given += 1
            if _digest(found) != direct[frame]:
                raise _spoiled(path, index, f"other pixels come out for its frame {frame}")
    if direct and not given:
        raise _spoiled(path, index, f"nothing comes out for its frame {min(direct)}")


def _cut_pictures(path: Path, index: VideoIndex, span: ChunkSpan) -> Iterator[Image | None]:
    """One after the other: those of a large recording would take gigabytes together."""
    try:
        (segment,) = cut_segments(path, index, [span])
        yield from decode_segment(segment, index.pts[span.first : span.until])
    except VideoError as error:
        raise VideoError(f"{path.name}: {error}") from error


def _digest(picture: Image) -> bytes:
    shape = str(picture.shape).encode()
    return hashlib.blake2b(np.ascontiguousarray(picture).data, key=shape).digest()


def _spoiled(path: Path, index: VideoIndex, what: str) -> VideoError:
    return VideoError(
        f"{path.name}: {what} once it is cut ({index.codec.name}, {index.codec.pixel_format}): "
        "export it again as H.264 in an MP4 file"
    )


def _direct_digests(path: Path, index: VideoIndex, span: ChunkSpan) -> dict[int, bytes]:
    """Of the pictures of a span's frames as the file's own decoder gives them, by frame.

    Empty where something was damaged on the way: then it is not known what they should be.
    """
    wanted = set(range(span.first, span.until)) - index.damaged_frames
    places = [place for place, frame in enumerate(index.packet_frames) if frame in wanted]
    digests: dict[int, bytes] = {}
    begin = _begin(index, index.packet_frames.index(span.decode_from))
    with VideoSource(path) as source:
        context = source.stream.codec_context
        context.thread_count = 1
        packets = islice(source.packets(), max(places, default=0) + LONGEST_DELAY)
        for place, packet in enumerate(chain(packets, [None])):
            if packet is not None:
                if place < begin and not side_data_of(packet):
                    continue
                packet.pts = place
            try:
                frames = context.decode(packet)
            except av.FFmpegError:
                return {}
            for frame in frames:
                number = index.packet_frames[frame.pts or 0]
                if frame.is_corrupt:
                    return {}
                if number in wanted:
                    digests[number] = _digest(upright_picture(frame, index.form))
            if len(digests) == len(wanted):
                break
    return digests


def _begin(index: VideoIndex, segment_begin: int) -> int:
    """The place where the file's own decoder starts."""
    keys = (
        place
        for place, frame in enumerate(index.packet_frames)
        if frame != NOT_SHOWN and index.key_frames[frame]
    )
    near = [place for place in keys if 0 <= segment_begin - place <= _FURTHEST]
    ahead = [place for place in near if segment_begin - place >= _AHEAD]
    return max(ahead) if ahead else min(near, default=0)
