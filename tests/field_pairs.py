"""H.264 as AVCHD cameras record it: interlaced, each field coded apart (ITU-T H.264, 7.3).

No encoder here codes fields apart, so these are written by hand. Every macroblock is I_PCM, the
pixels as they are, so a decoder gives them back exactly.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tests.recordings import draw

WIDTH, HEIGHT = 128, 96
DELIMITER = b"\0\0\0\1\x09\x10"
I_PCM = 25
FRAMES_IN_GROUP = 5

Plane = NDArray[np.uint8]


class Bits:
    """Bits written one after the other."""

    def __init__(self) -> None:
        self._bits = ""

    def plain(self, width: int, value: int) -> "Bits":
        self._bits += f"{value:0{width}b}"
        return self

    def golomb(self, *values: int) -> "Bits":
        for value in values:
            digits = f"{value + 1:b}"
            self._bits += "0" * (len(digits) - 1) + digits
        return self

    def aligned(self, data: bytes) -> "Bits":
        self._bits += "0" * (-len(self._bits) % 8)
        self._bits += "".join(f"{byte:08b}" for byte in data)
        return self

    def unit(self, importance: int, kind: int) -> bytes:
        """The NAL unit of these bits."""
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
        escaped, zeros = bytearray(), 0
        for byte in raw:
            if zeros >= 2 and byte <= 3:
                escaped.append(3)
                zeros = 0
            escaped.append(byte)
            zeros = 0 if byte else zeros + 1
        return b"\0\0\0\1" + bytes([importance << 5 | kind]) + bytes(escaped)


def parameter_sets() -> bytes:
    """Main profile, fields allowed, frames shown as they are decoded."""
    sequence = Bits().plain(8, 77).plain(8, 0).plain(8, 30).golomb(0, 0, 2, 1).plain(1, 0)
    sequence.golomb(WIDTH // 16 - 1, HEIGHT // 32 - 1)
    sequence.plain(1, 0).plain(1, 0).plain(1, 1).plain(1, 0).plain(1, 0)
    pictures = Bits().golomb(0, 0).plain(2, 0).golomb(0, 0, 0).plain(3, 0).golomb(0, 0, 0)
    pictures.plain(1, 1).plain(2, 0)
    return sequence.unit(3, 7) + pictures.unit(3, 8)


def field_unit(planes: list[Plane], frame_num: int, first_of_group: bool, bottom: bool) -> bytes:
    """One field as a slice of I_PCM macroblocks. planes: Y, U and V of the field."""
    bits = Bits().golomb(0, 7, 0).plain(4, frame_num).plain(1, 1).plain(1, bottom)
    if first_of_group:
        bits.golomb(0).plain(2, 0)
    else:
        bits.plain(1, 0)
    bits.golomb(0, 1)  # no change of the quantiser, no deblocking
    for row in range(HEIGHT // 32):
        for column in range(WIDTH // 16):
            bits.golomb(I_PCM)
            blocks = (_block(plane, row, column) for plane in planes)
            bits.aligned(b"".join(block.tobytes() for block in blocks))
    return bits.unit(2, 5 if first_of_group else 1)


def _block(plane: Plane, row: int, column: int) -> Plane:
    size = 16 if plane.shape[1] == WIDTH else 8
    return plane[row * size : (row + 1) * size, column * size : (column + 1) * size]


def coded_fields(top: Plane, bottom: Plane, number: int) -> tuple[bytes, bytes]:
    """Both fields of a frame. top, bottom: BGR pictures whose even and odd rows are taken."""
    planes = [[plane[odd::2] for plane in _planes(p)] for odd, p in enumerate((top, bottom))]
    frame_num = number % FRAMES_IN_GROUP
    begins = frame_num == 0
    first = field_unit(planes[0], frame_num, begins, bottom=False)
    second = field_unit(planes[1], frame_num, False, bottom=True)
    return DELIMITER + (parameter_sets() if begins else b"") + first, DELIMITER + second


def _planes(picture: Plane) -> list[Plane]:
    coded = VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
    whole = coded.to_ndarray()
    luma, chroma = whole[:HEIGHT], whole[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    return [luma, *chroma]


def record_field_pairs(path: Path, frames: int = 30, apart: bool = True) -> Path:
    """Writes a recording of 25 frames a second whose frame n shows the number n.

    apart: each field in a packet of its own, as in a transport stream; else both in one, as MP4
    wants it.
    """
    coded = [coded_fields(draw(n), draw(n), n) for n in range(frames)]
    raw = path.with_suffix(".h264")
    raw.write_bytes(b"".join(first + second for first, second in coded))
    with av.open(str(raw)) as template, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(template.streams.video[0])
        for number, fields in enumerate(coded):
            pieces = fields if apart else (b"".join(fields),)
            for place, data in enumerate(pieces):
                packet = Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, 50)
                packet.pts = packet.dts = 2 * number + place
                packet.duration = 1 if apart else 2
                packet.is_keyframe = number % FRAMES_IN_GROUP == 0 and place == 0
                output.mux(packet)
    raw.unlink()
    return path
