"""H.264 as simple encoders write it: without the part of its header that tells how many frames a
decoder has to hold back (ITU-T H.264, annex E)."""

from fractions import Fraction
from pathlib import Path

import av

from tests.recordings import Recipe, record
from workers.video.reading.bits import BitReader

START = b"\0\0\1"
SEQUENCE = 7


def record_without_usability(path: Path, recipe: Recipe) -> Path:
    """Writes a recording of libx264's high profile, its times in decode order, 30 a second."""
    raw = record(path.with_suffix(".h264"), recipe)
    units = [_shortened(unit) for unit in raw.read_bytes().split(START)]
    raw.write_bytes(START.join(units))
    with av.open(str(raw)) as reading, av.open(str(path), "w") as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        packets = (packet for packet in reading.demux(video=0) if packet.size)
        for place, packet in enumerate(packets):
            packet.stream, packet.time_base = stream, Fraction(1, 30)
            packet.pts, packet.dts, packet.duration = place, place, 1
            writing.mux(packet)
    raw.unlink()
    return path


def _shortened(unit: bytes) -> bytes:
    if not unit or unit[0] & 31 != SEQUENCE:
        return unit
    header = unit.rstrip(b"\0")[1:]
    assert header[0] == 100
    bits = BitReader(header)
    before = len(header) * 8
    bits.bits(24)  # profile, constraints, level
    for _ in range(4):  # number, chroma format, both depths
        bits.unsigned()
    bits.bits(2)  # no bypass, no scaling lists
    bits.unsigned()  # frame_num
    assert bits.unsigned() == 0  # kind of picture order count
    for _ in range(2):  # its length, reference frames
        bits.unsigned()
    bits.bits(1)
    for _ in range(2):  # width, height
        bits.unsigned()
    assert bits.bits(3) == 0b110  # whole frames, direct inference, no cropping
    kept = before - bits.left
    shown = f"{int.from_bytes(header, 'big'):0{before}b}"[:kept] + "01"  # none; stop
    shown += "0" * (-len(shown) % 8)
    return unit[:1] + int(shown, 2).to_bytes(len(shown) // 8, "big")
