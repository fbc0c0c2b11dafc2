"""What a chunk gave, packed by its worker: the same bytes go over Redis to the lab server's disk.

Eight bytes that say how long the head is; the head, in MessagePack; the rows; the videos.
"""

from collections.abc import Mapping
from typing import BinaryIO

import msgspec

from tasks.messages import ChunkReport
from workers.chunk.order import VideoName

LENGTH_BYTES = 8


class ResultError(Exception):
    """Bytes that are no packed result."""


class ResultHead(msgspec.Struct, frozen=True, kw_only=True):
    """pts: of the chunk's own frames, in the recording's ticks; rows: how many bytes they take;
    videos: the same, in the order in which they follow."""

    pts: tuple[int, ...]
    report: ChunkReport
    rows: int
    videos: dict[str, int]


class ChunkResult(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk's numbers. pts: as in ResultHead; rows: ChunkRows."""

    pts: tuple[int, ...]
    rows: bytes
    report: ChunkReport


def pack_result(
    pts: tuple[int, ...], rows: bytes, videos: Mapping[VideoName, bytes], report: ChunkReport
) -> bytes:
    """All that a chunk gave."""
    sizes: dict[str, int] = {name: len(data) for name, data in videos.items()}
    head = msgspec.msgpack.encode(ResultHead(pts=pts, report=report, rows=len(rows), videos=sizes))
    length = len(head).to_bytes(LENGTH_BYTES, "big")
    return b"".join((length, head, rows, *videos.values()))


def read_numbers(file: BinaryIO) -> ChunkResult:
    """A packed result's numbers. Raises ResultError."""
    head = _head(file)
    rows = file.read(head.rows)
    if len(rows) != head.rows:
        raise ResultError(f"a chunk's rows end after {len(rows)} of {head.rows} bytes")
    return ChunkResult(pts=head.pts, rows=rows, report=head.report)


def read_video(file: BinaryIO, name: str) -> bytes:
    """One of a packed result's videos. Raises ResultError."""
    head = _head(file)
    if name not in head.videos:
        raise ResultError(f"a chunk has no video '{name}'")
    start = head.rows
    for other, size in head.videos.items():
        if other == name:
            break
        start += size
    file.seek(start, 1)
    data = file.read(head.videos[name])
    if len(data) != head.videos[name]:
        raise ResultError(f"a chunk's video ends after {len(data)} of {head.videos[name]} bytes")
    return data


def _head(file: BinaryIO) -> ResultHead:
    length = int.from_bytes(file.read(LENGTH_BYTES), "big")
    try:
        return msgspec.msgpack.decode(file.read(length), type=ResultHead)
    except (msgspec.DecodeError, OverflowError, MemoryError) as error:
        raise ResultError(f"a chunk's result cannot be read: {error}") from error
