"""What a chunk gave, as bytes."""

import io

import pytest

from tasks.messages import ChunkReport
from tasks.results import ResultError, pack_result, read_numbers, read_video

REPORT = ChunkReport(
    provider="cpu", arithmetic="cpu", libraries={"numpy": "2"}, worker="w", models=(), seconds={}
)
VIDEOS = {"left": b"left", "right": b"right picture", "debug": b""}
PACKED = pack_result((3, 4), b"numbers", VIDEOS, REPORT)


def test_all_that_was_packed_is_read_again():
    numbers = read_numbers(io.BytesIO(PACKED))
    assert (numbers.pts, numbers.rows, numbers.report) == ((3, 4), b"numbers", REPORT)
    assert {name: read_video(io.BytesIO(PACKED), name) for name in VIDEOS} == VIDEOS


def test_a_result_without_videos_has_its_numbers():
    packed = pack_result((), b"rows", {}, REPORT)
    assert read_numbers(io.BytesIO(packed)).rows == b"rows"
    with pytest.raises(ResultError, match="no video 'left'"):
        read_video(io.BytesIO(packed), "left")


def test_no_bytes_are_taken_for_a_result_that_is_none():
    with pytest.raises(ResultError, match="cannot be read"):
        read_numbers(io.BytesIO(b"\x00" * 7 + b"\x05other"))
    with pytest.raises(ResultError, match="cannot be read"):
        read_numbers(io.BytesIO(b""))


@pytest.mark.parametrize("lost", [len(b"right picture"), len(b"right picture") + 5])
def test_a_result_that_lost_its_end_is_not_taken_for_whole(lost):
    cut = PACKED[:-lost]
    with pytest.raises(ResultError, match="ends after"):
        read_video(io.BytesIO(cut), "right")
    with pytest.raises(ResultError, match="rows end after 6 of 7"):
        read_numbers(io.BytesIO(PACKED[: PACKED.index(b"numbers") + 6]))
