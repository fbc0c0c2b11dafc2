"""A 720p recording as a camera gives it, and what a worker gives of a chunk of it."""

from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
from av.packet import Packet
from av.video.frame import VideoFrame

from weights.demo.exercises import Recording, exercises, frames
from weights.manifest import DEMO_FOLDER
from workers.chunk.analysis import analyse_chunk
from workers.chunk.example import ChunkExample
from workers.chunk.order import AnalysisSettings, ChunkOrder
from workers.chunk.rows import ChunkRows
from workers.session.backends import CPU
from workers.session.loading import load_models
from workers.video.reading.index import VideoIndex, read_index
from workers.video.segments.cutting import cut_segments
from workers.video.segments.planning import ChunkSpan

WIDTH, HEIGHT, RATE = 1280, 720, 30
BITS_A_SECOND = 6_000_000
"""As phones and cameras record 720p."""

GROUP = 30
"""Frames from one key frame to the next."""

DRAWN_FRAMES, EXAMPLE_FRAMES = 120, 100
PATIENT = 38
"""A grainy one: what is encoded of it takes as many bits as of a person before a camera."""


def draw(path: Path, count: int = DRAWN_FRAMES) -> None:
    """Film the phantom for so many frames, in H.264 at a camera's bit rate, grain included."""
    recording = Recording(seed=PATIENT, width=WIDTH, height=HEIGHT, rate=RATE, seconds=count / RATE)
    options = {"preset": "veryfast", "g": str(GROUP), "keyint_min": str(GROUP), "bf": "0"}
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = BITS_A_SECOND
        for drawn in frames(recording, exercises(0.6)):
            output.mux(stream.encode(VideoFrame.from_ndarray(drawn.picture, format="bgr24")))
        output.mux(stream.encode(None))


def lengthen(short: Path, path: Path, count: int) -> None:
    """A recording of so many frames that repeats the packets of a short one."""
    with av.open(str(short)) as source, av.open(str(path), "w") as output:
        given = [packet for packet in source.demux(video=0) if packet.size]
        stream = output.add_stream_from_template(source.streams.video[0])
        tick = Fraction(1, RATE)
        for place, original in enumerate(islice(cycle(given), count)):
            packet = Packet(bytes(original))
            packet.is_keyframe = original.is_keyframe
            packet.pts = packet.dts = place
            packet.duration = 1
            packet.time_base, packet.stream = tick, stream
            output.mux_one(packet)


def example(short: Path, settings: AnalysisSettings, count: int = EXAMPLE_FRAMES) -> ChunkExample:
    """What the demo models measure in the short recording's first frames, and their videos."""
    index = read_index(short)
    order = _first_chunk(index, settings, count)
    (segment,) = cut_segments(short, index, [ChunkSpan(0, order.stop, 0, 0, order.stop)])
    models = load_models(DEMO_FOLDER, CPU, settings.landmarks, settings.aus, Path())
    analysis = analyse_chunk(order, segment, models)
    return ChunkExample(rows=analysis.rows.to_bytes(), videos=analysis.segments)


def _first_chunk(index: VideoIndex, settings: AnalysisSettings, count: int) -> ChunkOrder:
    return ChunkOrder(
        recording="example",
        start=0,
        stop=count,
        first=0,
        pts=index.pts[:count],
        numerator=index.time_base.numerator,
        denominator=index.time_base.denominator,
        width=index.width,
        height=index.height,
        rotation=0,
        settings=settings,
    )


def bytes_a_frame(short: Path, given: ChunkExample) -> dict[str, int]:
    """What travels for each frame, in and out."""
    rows = len(ChunkRows.from_bytes(given.rows))
    videos = sum(len(video) for video in given.videos.values())
    return {
        "recording": short.stat().st_size // read_index(short).frame_count,
        "videos": videos // rows,
        "rows": len(given.rows) // rows,
    }
