"""Faulty times: every frame once, in the decoder's order, or none where that is unknown."""

from fractions import Fraction
from itertools import product
from pathlib import Path

import msgspec
import pytest

from tests.bare_h264 import record_without_usability
from tests.decoded_chunks import numbers_shown
from tests.faulty_recordings import Times, copied_packets, with_edits, without_times
from tests.field_pairs import DELIMITER, record_field_pairs
from tests.recordings import Recipe, hide_first_ticks, record
from workers.video import VideoError
from workers.video.reading import index as index_module
from workers.video.reading.index import VideoIndex, read_index
from workers.video.segments.cutting import cut_segments
from workers.video.segments.decoding import decode_segment
from workers.video.segments.planning import plan_chunks
from workers.video.segments.segment import Segment

REORDERED = (("bf", "3"), ("b_strategy", "0"), ("g", "20"), ("sc_threshold", "0"))
PLAIN = (("bf", "0"), ("g", "20"))
MPEG4 = (("g", "12"), ("bf", "2"))
HEVC = (("x265-params", "log-level=0:keyint=20:bframes=3:b-adapt=0"),)
CODECS = {"libx264": REORDERED, "libx265": HEVC, "mpeg4": MPEG4, "mpeg2video": MPEG4}
SIZES = (7, 25, 1000)
EVERY = list(range(60))


def seconds(index: VideoIndex) -> list[float]:
    return [round(index.seconds(frame), 3) for frame in range(index.frame_count)]


def in_decode_order(times: Times) -> tuple[int, int]:
    return 33 * times.place, 33 * times.place


@pytest.mark.parametrize(
    ("codec", "suffix"),
    # A transport stream copied from Matroska would lack MPEG-4's header.
    sorted({*product(CODECS, ("mp4", "mkv", "ts", "mov"))} - {("mpeg4", "ts")}),
)
def test_times_in_decode_order_are_sorted_into_the_decoders(
    tmp_path: Path, codec: str, suffix: str
) -> None:
    sound = record(tmp_path / "sound.mkv", Recipe(codec=codec, options=CODECS[codec]))
    path = copied_packets(sound, tmp_path / f"decode_order.{suffix}", in_decode_order)

    index = read_index(path)

    assert index.times_sorted
    assert seconds(index) == pytest.approx([0.033 * frame for frame in EVERY], abs=0.001)
    for chunk_frames in SIZES:
        assert numbers_shown(path, chunk_frames) == EVERY


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv"])
@pytest.mark.parametrize("options", [REORDERED, PLAIN])
def test_times_in_order_are_believed_without_decoding_the_whole(
    tmp_path: Path, monkeypatch, options, suffix: str
) -> None:
    path = record(tmp_path / f"sound.{suffix}", Recipe(frames=120, options=options))

    def decode_whole(*_: object) -> None:
        raise AssertionError("was decoded whole")

    monkeypatch.setattr(index_module, "decoders_order", decode_whole)
    index = read_index(path)

    assert (index.times_sorted, index.times_filled) == (False, 0)


LATE = Recipe(frames=120, options=REORDERED, unordered=80)


@pytest.mark.parametrize("suffix", ["mp4", "ts", "mkv"])
def test_a_contradiction_further_on_is_found_where_times_rise_as_packets_are_decoded(
    tmp_path: Path, suffix: str
) -> None:
    sound = record(tmp_path / "sound.mkv", LATE)
    told = copied_packets(sound, tmp_path / f"told.{suffix}", in_decode_order)
    for path in (told, record_without_usability(tmp_path / f"bare.{suffix}", LATE)):
        assert read_index(path).times_sorted
        for chunk_frames in (25, 1000):
            assert numbers_shown(path, chunk_frames) == list(range(120))


@pytest.mark.parametrize("options", [REORDERED, PLAIN])
def test_a_contradiction_further_on_is_found_where_times_jump_back(tmp_path: Path, options) -> None:
    first = record(tmp_path / "first.ts", Recipe(frames=100, options=options)).read_bytes()
    (tmp_path / "twice.ts").write_bytes(first + first)

    index = read_index(tmp_path / "twice.ts")

    assert index.times_sorted
    shown = numbers_shown(tmp_path / "twice.ts", 25)
    # The container calls a packet at the seam damaged.
    assert 1 <= shown.count(None) <= 2
    both = zip([*range(100), *range(100)], shown, strict=True)
    assert all(number in (expected, None) for expected, number in both)


def test_a_contradiction_that_was_not_found_costs_frames_and_never_their_order(
    tmp_path: Path,
) -> None:
    sound = record(tmp_path / "sound.mkv", Recipe(frames=200, options=REORDERED))

    def late(times: Times) -> tuple[int, int | None]:
        """From frame 120 on in decode order, key frames excepted."""
        late = times.place > 120 and times.place % 20
        return (33 * times.place if late else times.pts), times.dts

    path = copied_packets(sound, tmp_path / "late.mkv", late)
    index = read_index(path)
    assert not index.times_sorted

    whole = numbers_shown(path, 1000)

    shown = [number for number in whole if number is not None]
    assert whole[:120] == list(range(120))
    assert shown == sorted(shown)
    assert 20 < whole.count(None) < 60
    for chunk_frames in (7, 10, 25, 60):
        assert numbers_shown(path, chunk_frames) == whole


@pytest.mark.parametrize("options", [REORDERED, PLAIN])
@pytest.mark.parametrize("lost", [{0}, {7, 8, 30}, {59}, set(range(2, 60, 3))])
def test_missing_times_are_filled_in(tmp_path: Path, options, lost: set[int]) -> None:
    sound = record(tmp_path / "sound.ts", Recipe(options=options))
    times = seconds(read_index(sound))
    path = without_times(sound, lost.__contains__)

    index = read_index(path)

    assert index.times_filled == len(lost)
    assert not index.times_sorted
    assert seconds(index) == pytest.approx(times, abs=0.001)
    assert numbers_shown(path, 25) == EVERY


def test_too_few_times_are_refused(tmp_path: Path) -> None:
    path = without_times(record(tmp_path / "some.ts"), lambda frame: frame % 3 > 0)
    with pytest.raises(VideoError, match=r"^some\.ts: only 20 of 60 frames carry times"):
        read_index(path)


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
@pytest.mark.parametrize("options", [REORDERED, PLAIN])
def test_negative_times_stay_what_they_are(tmp_path: Path, options, suffix: str) -> None:
    sound = record(tmp_path / "sound.mkv", Recipe(options=options))
    path = copied_packets(
        sound,
        tmp_path / f"negative.{suffix}",
        lambda times: (times.pts - 500, 33 * times.place - 600),
        avoid_negative_ts="disabled",
    )
    index = read_index(path)
    # FFmpeg does not read negative times from Matroska: there they are filled in.
    assert index.times_filled == (15 if suffix == "mkv" else 0)
    assert seconds(index) == pytest.approx([frame / 30 - 0.5 for frame in EVERY], abs=0.002)
    assert numbers_shown(path, 25) == EVERY


@pytest.mark.parametrize("options", [REORDERED, PLAIN])
def test_repeated_times_keep_every_frame_once_and_in_order(tmp_path: Path, options) -> None:
    times = [33 * (frame - frame % 3) for frame in EVERY]
    recipe = Recipe(options=options, times=[33 * f for f in EVERY], time_base=Fraction(1, 1000))
    sound = record(tmp_path / "sound.mkv", recipe)
    path = copied_packets(
        sound, tmp_path / "repeated.mkv", lambda t: (t.pts - t.pts % 99, 33 * t.place - 300)
    )
    index = read_index(path)
    assert seconds(index) == [time / 1000 for time in times]
    assert numbers_shown(path, 25) == EVERY


@pytest.mark.parametrize("options", [REORDERED, PLAIN])
def test_an_edit_list_hides_frames_and_leaves_the_others(tmp_path: Path, options) -> None:
    path = hide_first_ticks(record(tmp_path / "trimmed.mp4", Recipe(options=options)), 13 * 512)
    assert numbers_shown(path, 10) == list(range(13, 60))


@pytest.mark.parametrize("options", [REORDERED, PLAIN])
def test_an_edit_list_that_shows_parts_in_another_order_is_followed(
    tmp_path: Path, options
) -> None:
    path = record(tmp_path / "edited.mp4", Recipe(options=options))
    first = 1024 if options == REORDERED else 0
    with_edits(path, [(500, first + 25 * 512), (500, first + 10 * 512)])
    for chunk_frames in SIZES:
        assert numbers_shown(path, chunk_frames) == [*range(25, 40), *range(10, 25)]


STARTS = {
    "h264.mp4": Recipe(options=REORDERED),
    "h264.ts": Recipe(options=(("x264-params", "open-gop=1:keyint=20:bframes=3:b-adapt=0"),)),
    "hevc.mp4": Recipe(codec="libx265", options=HEVC),
    "mpeg2.ts": Recipe(codec="mpeg2video", options=MPEG4),
    "mpeg4.avi": Recipe(codec="mpeg4", options=(("g", "12"),)),
    "mpeg4.mp4": Recipe(codec="mpeg4", options=MPEG4),
    "wmv2.wmv": Recipe(codec="wmv2", options=(("g", "12"),)),
    "animation.mov": Recipe(codec="qtrle", pix_fmt="rgb24", options=(("g", "12"),)),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_recording_that_starts_between_key_frames_shows_nothing_before_one(
    tmp_path: Path, name: str
) -> None:
    sound = record(tmp_path / f"sound_{name}", STARTS[name])
    path = copied_packets(sound, tmp_path / name, kept=lambda place: place >= 7)

    whole = numbers_shown(path, 1000)

    shown = [number for number in whole if number is not None]
    assert len(whole) in (51, 53)  # MP4's edit list hides what is shown before its first packet
    assert shown == list(range(shown[0], 60))
    assert shown[0] in (11, 12, 13, 20, 21)
    assert whole == [None] * (len(whole) - len(shown)) + shown
    for chunk_frames in (7, 25):
        assert numbers_shown(path, chunk_frames) == whole


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "avi"])
def test_chunks_of_h264_that_does_not_say_how_much_it_reorders_equal_the_whole(
    tmp_path: Path, suffix: str
) -> None:
    options = (*REORDERED, ("x264-params", "b-pyramid=normal"))
    path = record_without_usability(tmp_path / f"bare.{suffix}", Recipe(frames=80, options=options))
    for chunk_frames in SIZES:
        assert numbers_shown(path, chunk_frames) == list(range(80))


@pytest.mark.parametrize(("suffix", "apart"), [("ts", True), ("mkv", True), ("mp4", False)])
def test_fields_that_are_coded_apart_make_one_frame(
    tmp_path: Path, suffix: str, apart: bool
) -> None:
    path = record_field_pairs(tmp_path / f"fields.{suffix}", apart=apart)
    index = read_index(path)
    assert seconds(index) == pytest.approx([frame / 25 for frame in range(30)])
    for chunk_frames in (1, 7, 1000):
        assert numbers_shown(path, chunk_frames) == list(range(30))


@pytest.mark.parametrize("lost", [0, 11, 24, 59])
def test_a_frame_that_lost_one_of_its_fields_is_not_shown(tmp_path: Path, lost: int) -> None:
    path = record_field_pairs(tmp_path / "fields.ts")
    broken = copied_packets(path, tmp_path / "broken.ts", kept=lambda place: place != lost)
    whole = numbers_shown(broken, 1000)
    assert len(whole) == 30
    assert whole[lost // 2] is None
    assert [n for n in whole if n is not None] == sorted({*whole} - {None})
    for chunk_frames in (3, 10):
        assert numbers_shown(broken, chunk_frames) == whole


def test_a_field_without_the_other_is_not_shown(tmp_path: Path) -> None:
    path = record_field_pairs(tmp_path / "fields.ts")
    index = read_index(path)
    spans = plan_chunks(index.key_frames, 1000, history=4, anchor=10)
    segment = Segment.from_bytes(next(cut_segments(path, index, spans)))
    packets = list(segment.packets)
    assert [packet.key for packet in packets[:4]] == [True, False, True, False]
    packets[4] = msgspec.structs.replace(packets[4], data=memoryview(DELIMITER))
    broken = msgspec.structs.replace(segment, packets=tuple(packets))
    pictures = list(decode_segment(broken.to_bytes(), index.pts))
    assert [place for place, picture in enumerate(pictures) if picture is None] == [2]


def test_hidden_frames_of_vp8_are_no_rows(tmp_path: Path) -> None:
    path = record(tmp_path / "vp8.webm", Recipe(codec="libvpx", options=(("g", "20"),)))
    assert read_index(path).frame_count == 60
    data = bytearray(path.read_bytes())
    at = data.index(b"\x9d\x01\x2a") - 3  # RFC 6386, 9.1: a key frame's start code
    data[at] &= ~0x10
    path.write_bytes(data)
    assert read_index(path).frame_count == 59
    assert numbers_shown(path, 25) == list(range(1, 60))
