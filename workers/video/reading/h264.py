"""Which H.264 packets decoding can really start at.

Containers also flag as key frames the points of an intra refresh, from which the picture only
becomes right some frames later (ITU-T H.264, D.2.8: recovery_frame_cnt). Cutting there would
lose those frames.
"""

from collections.abc import Iterator

_IDR_SLICE = 5
_SEI = 6
_RECOVERY_POINT = 6


def decodes_at_once(packet: bytes, extradata: bytes | None) -> bool:
    """Whether the picture of a packet flagged as a key frame is right from the start.

    False only for a recovery point that needs further frames and is no IDR picture.
    extradata: the stream's; an avcC record there (first byte 1) means NAL units with lengths.
    """
    length_size = (extradata[4] & 3) + 1 if extradata and extradata[0] == 1 else 0
    units = _with_lengths(packet, length_size) if length_size else _with_start_codes(packet)
    delayed = False
    for unit in units:
        kind = unit[0] & 31
        if kind == _IDR_SLICE:
            return True
        if kind == _SEI:
            delayed = delayed or _recovery_frames(unit[1:]) > 0
    return not delayed


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
            return _exp_golomb(sei[position : position + size])
        position += size
    return 0


def _sum_of_bytes(sei: bytes, position: int) -> tuple[int, int]:
    """A number written as 255s and a last byte, and the position behind it."""
    total = 0
    while position < len(sei) and sei[position] == 255:
        total += 255
        position += 1
    return (total + sei[position] if position < len(sei) else total), position + 1


def _exp_golomb(payload: bytes) -> int:
    """The unsigned Exp-Golomb number at the start of `payload` (9.1)."""
    bits = "".join(f"{byte:08b}" for byte in payload)
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1] or "1", 2) - 1
