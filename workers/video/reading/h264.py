"""What the bytes of H.264 packets say and their container does not.

Which ones decoding can really start at: containers also flag as key frames the points of an intra
refresh, from which the picture only becomes right some frames later (ITU-T H.264, D.2.8:
recovery_frame_cnt). Cutting there would lose those frames.

And which ones hold a second field: cameras that record AVCHD code the two fields of a frame apart,
and a transport stream gives each a packet of its own, of which only the pair makes a picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from workers.video.reading.bits import BitReader

_SLICES = (1, 5)
_IDR_SLICE = 5
_B_SLICE = 1
_SEI = 6
_SEQUENCE_PARAMETERS = 7
_RECOVERY_POINT = 6
_PROFILES_WITH_CHROMA_FORMAT = (44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244)
# A slice header's field flags lie within this many bytes.
_SLICE_HEADER_BYTES = 32


def decodes_at_once(packet: bytes, extradata: bytes | None) -> bool:
    """Whether the picture of a packet flagged as a key frame is right from the start.

    False only for a recovery point that needs further frames and is no IDR picture.
    extradata: the stream's; an avcC record there (first byte 1) means NAL units with lengths.
    """
    delayed = False
    for unit in _units(packet, extradata):
        kind = unit[0] & 31
        if kind == _IDR_SLICE:
            return True
        if kind == _SEI:
            delayed = delayed or _recovery_frames(unit[1:]) > 0
    return not delayed


def is_bidirectional(packet: bytes, extradata: bytes | None) -> bool:
    """Whether the first slice of a packet, whose start is enough, is a B slice (table 7-6)."""
    for unit in _units(packet, extradata):
        if unit[0] & 31 in _SLICES:
            bits = BitReader(_raw(unit[1:_SLICE_HEADER_BYTES]))
            bits.unsigned()
            return bits.unsigned() % 5 == _B_SLICE
    return False


class FieldPairs:
    """Finds the packets that hold nothing but the second field of the frame before.

    To be asked for every packet, in decode order; while they are impossible, for key frames only,
    where that may change. extradata: the stream's.
    """

    def __init__(self, extradata: bytes | None) -> None:
        self._extradata = extradata
        self._sequence: _Sequence | None = None
        self._waiting: tuple[int, bool] | None = None
        for unit in _parameter_sets(extradata or b""):
            self._note(unit)

    @property
    def are_impossible(self) -> bool:
        """Whether the sequence that packets belong to codes whole frames only."""
        return self._sequence is not None and self._sequence.only_frames

    def completes(self, packet: bytes) -> bool:
        """Whether `packet` completes the frame of the packet before it."""
        fields: set[tuple[int, bool]] = set()
        for unit in _units(packet, self._extradata):
            self._note(unit)
            if unit[0] & 31 in _SLICES and self._sequence and not self.are_impossible:
                fields |= self._sequence.field(unit)
        if len(fields) != 1:  # a frame, or both fields in one packet
            self._waiting = None
            return False
        (field,) = fields
        second = self._waiting == (field[0], not field[1])
        self._waiting = None if second else field
        return second

    def _note(self, unit: bytes) -> None:
        if unit[0] & 31 == _SEQUENCE_PARAMETERS:
            self._sequence = _Sequence.read(unit)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """What of a sequence parameter set (7.3.2.1.1) is needed to read field flags."""

    frame_num_bits: int
    separate_planes: bool
    only_frames: bool

    @classmethod
    def read(cls, unit: bytes) -> "_Sequence":
        bits = BitReader(_raw(unit[1:]))
        profile = bits.bits(8)
        bits.bits(16)  # constraints, level
        bits.unsigned()
        separate_planes = False
        if profile in _PROFILES_WITH_CHROMA_FORMAT:
            separate_planes = _skip_chroma_format(bits)
        frame_num_bits = bits.unsigned() + 4
        _skip_picture_order_count(bits)
        bits.unsigned()  # reference frames
        bits.flag()
        bits.unsigned()  # width
        bits.unsigned()  # height
        return cls(frame_num_bits, separate_planes, only_frames=bits.flag())

    def field(self, unit: bytes) -> set[tuple[int, bool]]:
        """{(frame_num, whether it is the bottom field)} of a slice (7.3.3); empty for a frame's."""
        bits = BitReader(_raw(unit[1:_SLICE_HEADER_BYTES]))
        for _ in range(3):  # first macroblock, type, picture parameters
            bits.unsigned()
        if self.separate_planes:
            bits.bits(2)
        frame_num = bits.bits(self.frame_num_bits)
        return {(frame_num, bits.flag())} if bits.flag() else set()


def _skip_chroma_format(bits: BitReader) -> bool:
    """Reads what the high profiles have before frame_num; says whether planes are apart."""
    chroma_format = bits.unsigned()
    separate_planes = chroma_format == 3 and bits.flag()
    bits.unsigned()  # depth of luma
    bits.unsigned()  # depth of chroma
    bits.flag()
    if bits.flag():
        for number in range(12 if chroma_format == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if number < 6 else 64)
    return separate_planes


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_picture_order_count(bits: BitReader) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()
    elif kind == 1:
        bits.flag()
        bits.signed()
        bits.signed()
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()


def _raw(unit: bytes) -> bytes:
    """A unit without the bytes that keep start codes out of it (7.4.1)."""
    return unit.replace(b"\0\0\3", b"\0\0")


def _units(packet: bytes, extradata: bytes | None) -> Iterator[bytes]:
    length_size = (extradata[4] & 3) + 1 if extradata and extradata[0] == 1 else 0
    return _with_lengths(packet, length_size) if length_size else _with_start_codes(packet)


def _parameter_sets(extradata: bytes) -> Iterator[bytes]:
    """The units in extradata: after start codes, or in an avcC record (ISO/IEC 14496-15, 5.3.3)."""
    if extradata[:1] != b"\1":
        yield from _with_start_codes(extradata)
        return
    position = 6
    for _ in range(extradata[5] & 31 if len(extradata) > position else 0):
        size = int.from_bytes(extradata[position : position + 2], "big")
        if unit := extradata[position + 2 : position + 2 + size]:
            yield unit
        position += 2 + size


def _with_lengths(packet: bytes, length_size: int) -> Iterator[bytes]:
    position = 0
    while position + length_size < len(packet):
        size = int.from_bytes(packet[position : position + length_size], "big")
        position += length_size
        if size:
            yield packet[position : position + size]
        position += size


def _with_start_codes(packet: bytes) -> Iterator[bytes]:
    for unit in packet.split(b"\0\0\1")[1:]:
        if unit:
            yield unit


def _recovery_frames(sei: bytes) -> int:
    """recovery_frame_cnt of the recovery point among SEI messages (7.3.2.3.1), 0 without one."""
    position = 0
    while position + 2 < len(sei):
        kind, position = _sum_of_bytes(sei, position)
        size, position = _sum_of_bytes(sei, position)
        if kind == _RECOVERY_POINT:
            return BitReader(sei[position : position + size]).unsigned()
        position += size
    return 0


def _sum_of_bytes(sei: bytes, position: int) -> tuple[int, int]:
    """A number written as 255s and a last byte, and the position behind it."""
    total = 0
    while position < len(sei) and sei[position] == 255:
        total += 255
        position += 1
    return (total + sei[position] if position < len(sei) else total), position + 1
