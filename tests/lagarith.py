"""Lagarith, for which FFmpeg has a decoder and no encoder: an AVI of frames of one colour each.

Such a frame is one byte for its kind, and its colour.
"""

from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet

from tests.recordings import Recipe, record

SOLID_COLOUR = 6


def record_solid_colours(path: Path, frames: int = 30) -> Path:
    """Writes a recording whose frame n is of the colour (n, 255 - n, 7 n modulo 256)."""
    template = record(path.with_suffix(".huffyuv.avi"), Recipe(codec="huffyuv", pix_fmt="rgb24"))
    with av.open(str(template)) as reading, av.open(str(path), "w") as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        for number in range(frames):
            packet = Packet(bytes([SOLID_COLOUR, number, 255 - number, 7 * number % 256, 0, 0]))
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            writing.mux(packet)
    template.unlink()
    path.write_bytes(path.read_bytes().replace(b"HFYU", b"LAGS"))
    return path
