"""A damaged recording: a wrong picture is worse than none, and no border shows."""

import random
from pathlib import Path

import av
import numpy as np
import pytest

from tests.recordings import Recipe, cut_off, read_number, record
from workers.video import VideoError
from workers.video.reading.index import VideoIndex, read_index
from workers.video.segments.cutting import cut_segments
from workers.video.segments.damage import DamageRecord
from workers.video.segments.decoding import decode_segment
from workers.video.segments.planning import plan_chunks
from workers.video.segments.segment import number_packets, unpack

GROUPS = (("bf", "2"), ("b_strategy", "0"), ("g", "20"))


def numbers_shown(path: Path, chunk_frames: int) -> list[int | None]:
    index = read_index(path)
    spans = plan_chunks(index.key_frames, chunk_frames, history=4, anchor=10)
    shown: list[int | None] = []
    for span, data in zip(spans, cut_segments(path, index, spans), strict=True):
        pictures = list(decode_segment(data, index.pts[span.first : span.stop]))
        numbers = [None if p is None else read_number(p) for p in pictures]
        shown += numbers[span.start - span.first :]
    return shown


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


def test_damage_spoils_what_is_decoded_later_up_to_the_next_key_frame() -> None:
    decode_order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]  # 6 is a key frame; 4 and 5 lead it
    places = {number: place for place, number in enumerate(decode_order)}
    damage = DamageRecord(places, key_numbers=[0, 6])

    damage.add(3)

    assert [number for number in range(10) if damage.spoils(number)] == [1, 2, 3, 4, 5]


def test_damage_to_a_frame_that_leads_a_key_frame_spares_what_follows_it() -> None:
    decode_order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    places = {number: place for place, number in enumerate(decode_order)}
    damage = DamageRecord(places, key_numbers=[0, 6])

    damage.add(4)

    assert [number for number in range(10) if damage.spoils(number)] == [4, 5]


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


@pytest.mark.parametrize("data", [b"", b"nut/multimedia container\0", b'{"pts":[1]}\n', b"[]\n"])
def test_bytes_that_are_no_segment_are_refused(data: bytes) -> None:
    with pytest.raises(VideoError, match="no readable header"):
        unpack(data)


def test_a_recording_that_changes_its_size_is_refused(tmp_path: Path) -> None:
    small = record(tmp_path / "small.ts", Recipe(frames=20)).read_bytes()
    large = record(tmp_path / "large.ts", Recipe(frames=20, width=192)).read_bytes()
    (tmp_path / "both.ts").write_bytes(small + large)
    index, data = first_segment(tmp_path / "both.ts")
    with pytest.raises(VideoError, match="changes its picture size from 128x96 to 192x96"):
        list(decode_segment(data, index.pts))


def test_packet_numbers_rise_in_presentation_order_and_never_fall_behind_the_decode_order() -> None:
    for seed in range(200):
        dice = random.Random(seed)
        frames = [*range(100, 140)]
        dice.shuffle(frames)
        frames = [frame if dice.random() < 0.8 else -1 for frame in frames]

        numbers = number_packets(frames)

        shown = sorted((f, n) for f, n in zip(frames, numbers, strict=True) if f >= 0)
        assert len(set(numbers)) == len(numbers)
        assert all(np.diff([number for _, number in shown]) > 0)
        assert all(number >= place for place, number in enumerate(numbers))
