"""A damaged recording: a wrong picture is worse than none, and no border shows."""

import random
from dataclasses import replace
from pathlib import Path

import av
import msgspec
import pytest

from tests.decoded_chunks import numbers_shown
from tests.recordings import Recipe, cut_off, record
from workers.video import VideoError
from workers.video.reading.index import NOT_SHOWN, VideoIndex, read_index
from workers.video.segments.cutting import cut_segments
from workers.video.segments.damage import DamageRecord, OutputOrder
from workers.video.segments.decoding import decode_segment
from workers.video.segments.planning import plan_chunks
from workers.video.segments.segment import Segment

GROUPS = (("bf", "2"), ("b_strategy", "0"), ("g", "20"))


def overwrite_packet(path: Path, place: int) -> Path:
    """Replaces the second half of the packet at `place` of the decode order by noise."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        begin, size = packets[place].pos + packets[place].size // 2, packets[place].size // 2
    data = bytearray(path.read_bytes())
    data[begin : begin + size] = random.Random(place).randbytes(size)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mp4", "mpeg4"), ("a.mkv", "mpeg4")]
)
def test_nothing_predicted_from_a_damaged_frame_is_shown_and_every_chunk_size_agrees(
    tmp_path: Path, name: str, codec: str
) -> None:
    path = record(tmp_path / name, Recipe(codec=codec, options=GROUPS))
    overwrite_packet(path, 25)

    whole = numbers_shown(path, 1000)

    index = read_index(path)
    damaged, *later = index.packet_frames[25:]
    next_key = index.key_frames.index(True, damaged)
    spoiled = {damaged, *(frame for frame in later if frame < next_key)}
    assert len(spoiled) > 5
    assert whole == [None if frame in spoiled else frame for frame in range(60)]
    for chunk_frames in (7, 15, 25):
        assert numbers_shown(path, chunk_frames) == whole


def test_the_half_packet_at_the_end_of_a_broken_copy_is_listed_but_not_shown(
    tmp_path: Path,
) -> None:
    path = record(tmp_path / "broken.avi", Recipe(codec="mpeg4", options=(("g", "12"),)))
    shown = numbers_shown(cut_off(path, 0.6), 10)
    assert shown == [*range(len(shown) - 1), None]


# In decode order: 0 and 6 are key frames, 4 and 5 lead the second one.
FRAMES = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
KEYS = [frame in (0, 6) for frame in FRAMES]


def spoiled(frames: list[int], place: int) -> list[int]:
    damage = DamageRecord(frames, [frame in (0, 6) for frame in frames])
    damage.add(place)
    return sorted(frame for at, frame in enumerate(frames) if damage.spoils(at))


def test_damage_spoils_what_is_decoded_later_up_to_the_next_key_frame() -> None:
    assert spoiled(FRAMES, FRAMES.index(3)) == [1, 2, 3, 4, 5]


def test_damage_to_a_frame_that_leads_a_key_frame_spares_what_follows_it() -> None:
    assert spoiled(FRAMES, FRAMES.index(4)) == [4, 5]


def test_damage_to_a_packet_that_is_not_shown_spoils_up_to_the_next_key_frame() -> None:
    hidden = [0, NOT_SHOWN, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    assert spoiled(hidden, 1) == [NOT_SHOWN, 1, 2, 3, 4, 5]


def test_damage_to_a_second_field_spoils_its_frame() -> None:
    fields = [0, 0, 3, 3, 1, 1, 2, 2, 6, 6]
    assert spoiled(fields, 3) == [1, 1, 2, 2, 3]


def test_a_frame_that_comes_out_behind_a_later_one_of_its_group_is_out_of_turn() -> None:
    order = OutputOrder(FRAMES, KEYS)
    shown = [0, 1, 3, 2, 4, 5, 6, 8, 7, 9]
    assert [f for f in shown if not order.in_turn(FRAMES.index(f))] == [2, 7]


def test_groups_are_not_compared_since_a_segment_may_begin_between_them() -> None:
    order = OutputOrder([5, 0, 1], [True, True, False])
    assert all(order.in_turn(place) for place in range(3))


def test_a_file_that_changed_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    path = record(tmp_path / "growing.mp4", Recipe(frames=30))
    index = read_index(path)
    record(path, Recipe(frames=20))
    with pytest.raises(VideoError, match=r"^growing\.mp4: has changed"):
        list(cut_segments(path, index, plan_chunks(index.key_frames, 10, history=4, anchor=10)))


def first_segment(path: Path) -> tuple[VideoIndex, bytes]:
    index = read_index(path)
    spans = plan_chunks(index.key_frames, 1000, history=4, anchor=10)
    return index, next(cut_segments(path, index, spans))


def test_a_segment_of_other_frames_than_expected_is_refused(tmp_path: Path) -> None:
    index, data = first_segment(record(tmp_path / "plain.mp4"))
    with pytest.raises(VideoError, match="holds 60 frames, not the 59"):
        list(decode_segment(data, index.pts[1:]))


@pytest.mark.parametrize("data", [b"", b"nut/multimedia container\0", b'{"pts":[1]}\n', b"\x80"])
def test_bytes_that_are_no_segment_are_refused(data: bytes) -> None:
    with pytest.raises(VideoError, match=f"^{len(data)} bytes are no segment of a recording"):
        Segment.from_bytes(data)


def test_a_segment_without_one_of_its_frames_is_refused(tmp_path: Path) -> None:
    index, data = first_segment(record(tmp_path / "plain.mp4"))
    segment = Segment.from_bytes(data)
    short = msgspec.structs.replace(segment, packets=segment.packets[:-20])
    with pytest.raises(VideoError, match="lacks frame"):
        list(decode_segment(short.to_bytes(), index.pts))


def test_a_codec_that_the_worker_lacks_is_named(tmp_path: Path) -> None:
    index, data = first_segment(record(tmp_path / "plain.mp4"))
    segment = Segment.from_bytes(data)
    codec = replace(segment.codec, name="libfuture")
    with pytest.raises(VideoError, match="FFmpeg has no decoder libfuture"):
        list(decode_segment(msgspec.structs.replace(segment, codec=codec).to_bytes(), index.pts))


def test_a_recording_that_changes_its_size_is_refused(tmp_path: Path) -> None:
    small = record(tmp_path / "small.ts", Recipe(frames=20)).read_bytes()
    large = record(tmp_path / "large.ts", Recipe(frames=20, width=192)).read_bytes()
    (tmp_path / "both.ts").write_bytes(small + large)
    index, data = first_segment(tmp_path / "both.ts")
    with pytest.raises(VideoError, match="changes its picture size from 128x96 to 192x96"):
        list(decode_segment(data, index.pts))
