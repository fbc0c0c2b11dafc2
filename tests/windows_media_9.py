"""Windows Media Video 9 (WMV3), for which FFmpeg has a decoder and no encoder.

Written by hand after SMPTE 421M, simple profile: intra pictures without detail, whose grey rises
and falls by the one DC difference of their first block, which all others are predicted from.
"""

from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet

from tests.recordings import Recipe, record

WIDTH, HEIGHT = 128, 96
# STRUCT_C (annex J): simple profile, no options; the bits that have to be 1 are.
SEQUENCE = 0b0000_000_00000_0_0_0_1_1_0_00_0_0_0_0_0_000_00_0_1
# A macroblock that codes nothing but six equal DC differences: of luma and chroma (11.7, 11.8)
PLAIN = "1" + "0" + 4 * "1" + 2 * "00"
RISING, FALLING = "01" + "0", "01" + "1"


def picture(step: int) -> bytes:
    """An intra picture whose grey is `step` (-1, 0, 1) quantiser steps off the middle."""
    header = "00" + "0" + 7 * "0" + f"{4:05b}" + "0" + "0" + "0" + "0"
    first = {0: "1", 1: RISING, -1: FALLING}[step]
    macroblocks = WIDTH // 16 * HEIGHT // 16
    bits = header + "1" + "0" + first + 3 * "1" + 2 * "00" + (macroblocks - 1) * PLAIN
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def record_greys(path: Path, frames: int = 30) -> Path:
    """Writes a WMV whose grey goes down, the middle, up, down ..."""
    template = record(path.with_suffix(".template.wmv"), Recipe(codec="wmv2", frames=2))
    with av.open(str(template)) as reading, av.open(str(path), "w", format="asf") as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        for number in range(frames):
            packet = Packet(picture(number % 3 - 1))
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            writing.mux(packet)
    template.unlink()
    data = bytearray(path.read_bytes())
    at = data.index(b"WMV2") + 24  # behind the BITMAPINFOHEADER
    data[at : at + 4] = SEQUENCE.to_bytes(4, "big")
    path.write_bytes(data.replace(b"WMV2", b"WMV3"))
    return path
