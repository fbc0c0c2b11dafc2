"""What one chunk gave, given again."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.chunk_rows import row, rows_of
from workers.chunk.example import ChunkExample
from workers.chunk.order import AnalysisSettings, ChunkOrder
from workers.chunk.simulation import simulate_chunk
from workers.video.writing.encoded_segment import EncodedSegment
from workers.video.writing.encoding import SegmentEncoder

GREYS = (30, 120, 210)


@pytest.fixture
def example(tmp_path):
    """A file of an example of three frames."""
    encoder = SegmentEncoder(32, 32, Fraction(1, 30))
    for pts, grey in enumerate(GREYS):
        encoder.write(np.full((32, 32, 3), grey, np.uint8), pts)
    rows = rows_of(row(0.25), None, row(0.75))
    video = encoder.finish()
    ChunkExample(rows=rows.to_bytes(), videos={"left": video, "right": video}).write(
        tmp_path / "example"
    )
    return tmp_path / "example"


def order(start: int, stop: int) -> ChunkOrder:
    return ChunkOrder(
        recording="x",
        start=start,
        stop=stop,
        first=start - 1,
        pts=tuple(range(10 * (start - 1), 10 * stop, 10)),
        numerator=1,
        denominator=300,
        width=32,
        height=32,
        rotation=0,
        settings=AnalysisSettings(landmarks="pfld68"),
    )


def greys(video: bytes) -> list[int]:
    with av.open(io.BytesIO(EncodedSegment.from_bytes(video).nut)) as source:
        pictures = (frame.to_ndarray(format="bgr24") for frame in source.decode(video=0))
        return [round(float(picture.mean())) for picture in pictures]


def test_an_example_is_given_again_from_its_first_frame_on(example):
    made = simulate_chunk(order(40, 47), 0.0, lambda _: None, example)
    assert made.rows.success.tolist() == [True, False, True, True, False, True, True]
    scores = made.rows.aus.head_scores[:, 0, 0]
    assert scores[[0, 3, 6]].tolist() == [0.25] * 3
    assert scores[[2, 5]].tolist() == [0.75] * 2
    assert sorted(made.segments) == ["left", "right"]
    expected = [grey for _ in range(3) for grey in GREYS][:7]
    assert np.abs(np.subtract(greys(made.segments["left"]), expected)).max() <= 2


def test_its_videos_have_the_chunks_times(example):
    made = simulate_chunk(order(40, 42), 0.0, lambda _: None, example)
    segment = EncodedSegment.from_bytes(made.segments["right"])
    assert segment.pts == (400, 410)
    assert Fraction(segment.numerator, segment.denominator) == Fraction(1, 300)


def test_without_an_example_there_is_nobody(example):
    made = simulate_chunk(order(40, 42), 0.0, lambda _: None)
    assert not made.rows.success.any()
    assert made.rows.decoded.all()
