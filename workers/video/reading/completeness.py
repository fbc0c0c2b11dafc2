"""Does a file hold as many bytes as its container says? One that does not was broken off.

A frame count in a header proves nothing: one header claims 870 frames where 434 exist in an
intact file, and an edit list leaves frames out on purpose. Sizes do not lie like that, so only a
file that is shorter than its container is believed to have lost frames.
"""

from pathlib import Path
from typing import BinaryIO

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_EBML_HEADER = bytes.fromhex("1a45dfa3")
_MATROSKA_SEGMENT = bytes.fromhex("18538067")


def is_broken_off(path: Path) -> bool:
    """True where MP4, MOV, AVI, Matroska, WebM or ASF declare more bytes than the file has.

    Other containers, and those that declare no size (live recordings), give False.
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        if start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            declared = _end_of_boxes(file, length)
        elif start[:4] == b"RIFF":
            declared = _end_of_riffs(file, length)
        elif start[:4] == _EBML_HEADER:
            declared = _end_of_matroska(file)
        elif start == _ASF_HEADER:
            declared = _end_of_asf(file)
        else:
            declared = 0
    return declared > length


def _end_of_boxes(file: BinaryIO, length: int) -> int:
    """ISO/IEC 14496-12, 4.2: boxes of size, type; size 1 means a 64-bit size, 0 up to the end."""
    position = 0
    while position + 8 <= length:
        file.seek(position)
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:], "big")
        if size < 8:
            return length
        position += size
    return position


def _end_of_riffs(file: BinaryIO, length: int) -> int:
    """One or, beyond 1 GB (OpenDML), several RIFF chunks, each of even length."""
    position = 0
    while position + 8 <= length:
        file.seek(position)
        head = file.read(8)
        if head[:4] != b"RIFF":
            return length
        size = int.from_bytes(head[4:], "little")
        if size in (0, 0xFFFFFFFF):  # a writer that never came back to fill it in
            return length
        position += 8 + size
        if position < length:
            position += size % 2
    return position


def _end_of_matroska(file: BinaryIO) -> int:
    """RFC 8794: an EBML header, then the Segment; a size of all ones is unknown."""
    file.seek(4)
    size, _ = _read_vint(file)
    file.seek(size, 1)
    if file.read(4) != _MATROSKA_SEGMENT:
        return 0
    size, unknown = _read_vint(file)
    return 0 if unknown else file.tell() + size


def _read_vint(file: BinaryIO) -> tuple[int, bool]:
    """An EBML variable-size integer, and whether it is the reserved "unknown"."""
    first = file.read(1)
    if not first or first[0] == 0:
        return 0, True
    octets = 9 - first[0].bit_length()
    value = first[0] & ((1 << (8 - octets)) - 1)
    value = int.from_bytes(bytes([value]) + file.read(octets - 1), "big")
    return value, value == (1 << (7 * octets)) - 1


def _end_of_asf(file: BinaryIO) -> int:
    """ASF specification, 3.2: the File Properties Object holds the size of the file."""
    file.seek(16)
    header_size = int.from_bytes(file.read(8), "little")
    position = 30
    while position + 24 <= header_size:
        file.seek(position)
        guid = file.read(16)
        size = int.from_bytes(file.read(8), "little")
        if guid == _ASF_FILE_PROPERTIES:
            file.seek(16, 1)
            return int.from_bytes(file.read(8), "little")
        if size < 24:
            break
        position += size
    return 0
