"""What a recording is said to hold, and what is said of files that are none."""

import struct
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import pytest
from av.stream import Disposition
from av.video.frame import VideoFrame

from tests.recordings import (
    Recipe,
    claim_frames,
    cut_off,
    draw,
    hide_first_ticks,
    record,
    record_sound,
)
from workers.video import VideoError
from workers.video.reading.index import read_index

IN_FRONT = (("movflags", "+faststart"),)
MPEG4 = Recipe(codec="mpeg4", options=(("g", "12"),))
UNEVEN = tuple(accumulate([20 + frame * 7 % 45 for frame in range(59)], initial=0))


def turn_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Replaces a, b, c, d of the display matrix in the track header of an MP4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = matrix
    struct.pack_into(">iiiii", data, at, a << 16, b << 16, 0, c << 16, d << 16)
    path.write_bytes(data)
    return path


def test_times_are_the_recordings_own(tmp_path: Path) -> None:
    recipe = Recipe(times=UNEVEN, time_base=Fraction(1, 1000))
    index = read_index(record(tmp_path / "uneven.mp4", recipe))
    assert [pts * index.time_base for pts in index.pts] == [Fraction(t, 1000) for t in UNEVEN]
    assert index.seconds(59) == UNEVEN[59] / 1000


def test_key_frames_are_listed_in_presentation_order(tmp_path: Path) -> None:
    options = (("bf", "3"), ("b_strategy", "0"), ("g", "20"), ("sc_threshold", "0"))
    index = read_index(record(tmp_path / "groups.mp4", Recipe(options=options)))
    assert [frame for frame, key in enumerate(index.key_frames) if key] == [0, 20, 40]
    assert sorted(index.packet_frames) == list(range(60))
    assert list(index.packet_frames) != list(range(60))


def test_points_of_an_intra_refresh_are_no_key_frames(tmp_path: Path) -> None:
    recipe = Recipe(options=(("x264-params", "intra-refresh=1:keyint=15"),))
    for name in ("refresh.ts", "refresh.mp4"):
        index = read_index(record(tmp_path / name, recipe))
        assert [frame for frame, key in enumerate(index.key_frames) if key] == [0]


@pytest.mark.parametrize(
    ("rotation", "matrix"),
    [(90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))],
)
def test_rotation_is_clockwise_as_the_mp4_standard_defines_its_matrix(
    tmp_path: Path, rotation: int, matrix: tuple[int, int, int, int]
) -> None:
    path = turn_matrix(record(tmp_path / "phone.mp4", Recipe(width=128, height=96)), matrix)
    index = read_index(path)
    assert index.rotation == rotation
    assert (index.width, index.height) == ((128, 96) if rotation == 180 else (96, 128))


def test_a_mirrored_display_matrix_is_refused_since_it_swaps_the_sides(tmp_path: Path) -> None:
    path = turn_matrix(record(tmp_path / "selfie.mp4"), (-1, 0, 0, 1))
    with pytest.raises(VideoError, match=r"^selfie\.mp4: is stored as its mirror image"):
        read_index(path)


def test_a_display_matrix_at_an_angle_is_refused(tmp_path: Path) -> None:
    path = turn_matrix(record(tmp_path / "tilted.mp4"), (1, 1, -1, 1))
    with pytest.raises(VideoError, match=r"^tilted\.mp4: asks to be shown turned by 45 degrees"):
        read_index(path)


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("index_in_front.mp4", Recipe(container=IN_FRONT)),
        ("riff.avi", MPEG4),
        ("matroska.mkv", Recipe()),
        ("asf.wmv", Recipe(codec="wmv2")),
        ("in_pieces.mp4", Recipe(container=(("movflags", "+frag_keyframe+empty_moov"),))),
    ],
)
def test_a_file_that_was_not_copied_whole_is_noticed(
    tmp_path: Path, name: str, recipe: Recipe
) -> None:
    path = record(tmp_path / name, recipe)
    assert not read_index(path).broken_off

    index = read_index(cut_off(path, 0.6))

    assert index.broken_off
    assert 15 < index.frame_count < 45
    if index.promised_frames:
        assert index.missing_frames == 60 - index.frame_count


def test_a_frame_count_in_the_header_of_an_intact_file_is_not_believed(tmp_path: Path) -> None:
    index = read_index(claim_frames(record(tmp_path / "boastful.avi", MPEG4), 120))
    assert (index.frame_count, index.promised_frames, index.missing_frames) == (60, 120, 0)


def test_frames_hidden_by_an_edit_list_are_not_missing(tmp_path: Path) -> None:
    path = record(tmp_path / "trimmed.mp4", Recipe(options=(("bf", "0"), ("g", "12"))))
    index = read_index(hide_first_ticks(path, 17 * 512))
    assert (index.frame_count, index.missing_frames) == (43, 0)


def test_cover_art_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with (
        av.open(str(record_sound(tmp_path / "sound.mp4"))) as reading,
        av.open(str(path), "w") as writing,
    ):
        cover = writing.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        audio = writing.add_stream_from_template(reading.streams.audio[0])
        art = VideoFrame.from_ndarray(draw(77, 64, 64), format="bgr24")
        art.pts = 0
        writing.mux([*cover.encode(art.reformat(format="yuvj420p")), *cover.encode(None)])
        for packet in reading.demux(audio=0):
            if packet.size:
                packet.stream = audio
                writing.mux(packet)
    with pytest.raises(VideoError, match=r"^song\.mp4: holds no video"):
        read_index(path)


def missing(folder: Path) -> Path:
    return folder / "missing.mp4"


def empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def text(folder: Path) -> Path:
    path = folder / "text.mp4"
    path.write_text("This is a letter, not a recording.\n" * 50)
    return path


def sound(folder: Path) -> Path:
    return record_sound(folder / "sound.mp4")


def unfinished(folder: Path) -> Path:
    return cut_off(record(folder / "unfinished.mp4"), 0.6)


def without_times(folder: Path) -> Path:
    return record(folder / "raw.h264")


def undecodable(folder: Path) -> Path:
    path = record(folder / "noise.mp4", Recipe(frames=5))
    data = path.read_bytes()
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path.write_bytes(data[:begin] + b"\xaa" * (end - begin) + data[end:])
    return path


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (missing, r"^missing\.mp4: cannot be opened at .*No such file"),
        (empty, r"^empty\.mp4: is empty \(0 bytes\)"),
        (Path, r": is a folder: name the recordings in it"),
        (text, r"^text\.mp4: is no video that can be read"),
        (sound, r"^sound\.mp4: holds no video \(only audio\)"),
        (unfinished, r"^unfinished\.mp4: .*moov.*copy it again"),
        (without_times, r"^raw\.h264: only 0 of 60 frames carry times"),
        (undecodable, r"^noise\.mp4: none of its 5 video frames can be decoded"),
    ],
)
def test_a_file_that_cannot_be_analysed_is_named_with_the_reason_in_one_line(
    tmp_path: Path, make, complaint: str
) -> None:
    with pytest.raises(VideoError, match=complaint) as raised:
        read_index(make(tmp_path))
    assert "\n" not in str(raised.value)


def test_nothing_is_printed_about_a_damaged_file(tmp_path: Path, capfd) -> None:
    path = cut_off(record(tmp_path / "broken.mkv", Recipe(codec="mpeg4")), 0.7)
    read_index(path)
    assert capfd.readouterr() == ("", "")
