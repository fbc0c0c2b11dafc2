"""Pictures to segments to one MP4: every frame, its exact time, and the same bytes each time."""

import io
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import msgspec
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from tests.phantom_films import talking
from tests.recordings import draw, read_number
from workers.video import VideoError
from workers.video.writing import encoding
from workers.video.writing.encoded_segment import EncodedSegment
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments

MILLISECOND = Fraction(1, 1000)
UNEVEN = tuple(accumulate([20 + frame * 7 % 45 for frame in range(59)], initial=0))


def encode(
    times: Sequence[int], time_base: Fraction, first: int = 0, size: tuple[int, int] = (128, 96)
) -> bytes:
    encoder = SegmentEncoder(*size, time_base)
    for number, time in enumerate(times, start=first):
        encoder.write(draw(number, *size), time)
    return encoder.finish()


def in_pieces(times: Sequence[int], time_base: Fraction, piece: int) -> Iterator[bytes]:
    for start in range(0, len(times), piece):
        yield encode(times[start : start + piece], time_base, start)


def play(path: Path) -> tuple[list[Fraction], list[int]]:
    """The times and the numbers of the frames that a player shows."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    times = [frame.pts * frame.time_base for frame in frames]
    return times, [read_number(frame.to_ndarray(format="bgr24")) for frame in frames]


@pytest.mark.parametrize(
    ("times", "time_base"),
    [
        (UNEVEN, MILLISECOND),
        ([9 + time for time in UNEVEN], MILLISECOND),
        ([time - 700 for time in UNEVEN], MILLISECOND),
        (range(60), Fraction(1, 30)),
        (range(60), Fraction(1001, 30_000)),
        ([512 * frame for frame in range(60)], Fraction(1, 15_360)),
        ([33_366_667 * frame for frame in range(60)], Fraction(1, 10**9)),
        ([10**10 + 3003 * frame for frame in range(60)], Fraction(1, 90_000)),
    ],
)
@pytest.mark.parametrize("piece", [7, 60])
def test_the_joined_video_shows_every_frame_at_its_exact_time_from_zero_on(
    tmp_path: Path, times: Sequence[int], time_base: Fraction, piece: int
) -> None:
    path = tmp_path / "joined.mp4"

    frames = join_segments(in_pieces(times, time_base, piece), path, time_base)

    assert frames == 60
    shown, numbers = play(path)
    assert numbers == list(range(60))
    assert shown == [(time - times[0]) * time_base for time in times]


def test_frames_last_until_the_next_and_the_last_as_long_as_the_one_before(
    tmp_path: Path,
) -> None:
    join_segments([encode([0, 40, 100, 130], MILLISECOND)], tmp_path / "j.mp4", MILLISECOND)
    with av.open(str(tmp_path / "j.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert [p.duration * p.time_base * 1000 for p in packets] == [40, 60, 30, 30]
        assert container.streams.video[0].duration * packets[0].time_base * 1000 == 160


def test_frames_at_the_same_time_are_nudged_by_one_tick_and_none_is_lost(tmp_path: Path) -> None:
    segments = [encode([0, 40, 40], MILLISECOND), encode([40, 80], MILLISECOND, first=3)]
    join_segments(segments, tmp_path / "twins.mp4", MILLISECOND)
    shown, numbers = play(tmp_path / "twins.mp4")
    tick = Fraction(1, 16_000)
    at = Fraction(40, 1000)
    assert shown == [0, at, at + tick, at + 2 * tick, 2 * at]
    assert numbers == [0, 1, 2, 3, 4]


def test_times_finer_than_the_file_can_hold_are_rounded_to_its_nearest(tmp_path: Path) -> None:
    ticks = 2**33  # the file's are 2**31 - 1 to a second
    path = tmp_path / "joined.mp4"
    join_segments(
        [encode([0, ticks // 2 + 5, ticks], Fraction(1, ticks))], path, Fraction(1, ticks)
    )
    with av.open(str(path)) as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.size]
    exact = Fraction(2**31 - 1, ticks)
    assert times == [0, round((ticks // 2 + 5) * exact), 2**31 - 1]
    assert times[1] > int((ticks // 2 + 5) * exact)


def test_the_container_names_the_colours_however_many_segments_there_are(tmp_path: Path) -> None:
    for piece in (4, 12):
        path = tmp_path / f"{piece}.mp4"
        join_segments(in_pieces(range(12), MILLISECOND, piece), path, MILLISECOND)
        assert b"colrnclx" in path.read_bytes()


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        join_segments(in_pieces(UNEVEN, MILLISECOND, 20), tmp_path / name, MILLISECOND)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert encode(UNEVEN, MILLISECOND) == encode(UNEVEN, MILLISECOND)


def test_the_file_is_what_quicktime_plays_and_starts_with_its_index(tmp_path: Path) -> None:
    path = tmp_path / "joined.mp4"
    join_segments([encode(range(10), Fraction(1, 30))], path, Fraction(1, 30))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"edts" not in data
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.codec_tag, context.pix_fmt) == ("h264", "avc1", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        assert context.color_range == 1
        assert container.streams.video[0].frames == 10


@pytest.mark.parametrize("colour", [(20, 20, 20), (235, 235, 235), (40, 90, 200), (180, 60, 30)])
def test_colours_come_back_as_they_went_in(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    picture: NDArray[np.uint8] = np.full((96, 128, 3), colour, np.uint8)
    encoder = SegmentEncoder(128, 96, MILLISECOND)
    encoder.write(picture, 0)
    join_segments([encoder.finish()], tmp_path / "plain.mp4", MILLISECOND)
    with av.open(str(tmp_path / "plain.mp4")) as container:
        decoded = next(container.decode(video=0)).to_ndarray(format="bgr24")
    assert np.abs(decoded.astype(int) - picture).max() <= 3


def test_odd_sizes_are_padded_by_their_last_row_and_column(tmp_path: Path) -> None:
    segment = encode(range(5), MILLISECOND, size=(131, 97))
    join_segments([segment], tmp_path / "odd.mp4", MILLISECOND)
    with av.open(str(tmp_path / "odd.mp4")) as container:
        frames = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    for number, frame in enumerate(frames):
        assert frame.shape == (98, 132, 3)
        assert read_number(frame[:97, :131]) == number
        assert np.abs(frame[97].astype(int) - frame[96]).mean() < 3
        assert np.abs(frame[:, 131].astype(int) - frame[:, 130]).mean() < 3


def test_empty_segments_are_passed_over(tmp_path: Path) -> None:
    empty = SegmentEncoder(128, 96, MILLISECOND).finish()
    segments = [empty, encode([0, 40], MILLISECOND), empty]
    assert join_segments(segments, tmp_path / "joined.mp4", MILLISECOND) == 2


@pytest.mark.parametrize("segments", [[], [SegmentEncoder(128, 96, MILLISECOND).finish()]])
def test_no_frames_make_no_file(tmp_path: Path, segments: list[bytes]) -> None:
    with pytest.raises(VideoError, match=r"^none\.mp4: there are no frames to write"):
        join_segments(segments, tmp_path / "none.mp4", MILLISECOND)
    assert not list(tmp_path.iterdir())


def test_segments_in_the_wrong_order_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    segments = [encode([100, 140], MILLISECOND), encode([0, 40], MILLISECOND)]
    with pytest.raises(VideoError, match="the times of segment 1 do not follow"):
        join_segments(segments, tmp_path / "joined.mp4", MILLISECOND)
    assert not list(tmp_path.iterdir())


def test_segments_with_other_ticks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="the times of segment 0 do not follow"):
        join_segments([encode([0], MILLISECOND)], tmp_path / "j.mp4", Fraction(1, 30))


def test_segments_of_another_size_are_refused(tmp_path: Path) -> None:
    segments = [encode([0], MILLISECOND), encode([40], MILLISECOND, size=(192, 96))]
    with pytest.raises(VideoError, match="segment 1 was encoded in another way"):
        join_segments(segments, tmp_path / "joined.mp4", MILLISECOND)


def test_a_segment_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    data = encode(range(20), MILLISECOND)
    segment = EncodedSegment.from_bytes(data)
    short = msgspec.structs.replace(segment, nut=segment.nut[: len(segment.nut) // 2])
    for lost, complaint in (
        (short.to_bytes(), r"segment 0 holds \d+ frames, not 20"),
        (data[: len(data) // 2], r"are no encoded segment"),
    ):
        with pytest.raises(VideoError, match=complaint):
            join_segments([lost], tmp_path / "joined.mp4", MILLISECOND)
        assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"^joined\.mp4: could not be written to .*absent"):
        join_segments([encode([0], MILLISECOND)], tmp_path / "absent" / "joined.mp4", MILLISECOND)


FULL_DISK = """
import resource, sys
from fractions import Fraction
from pathlib import Path
from workers.video import VideoError
from workers.video.writing.joining import join_segments
segment, destination, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
data = segment.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    join_segments([data], destination, Fraction(1, 1000))
except VideoError as error:
    print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on file sizes here")
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_full_disk_is_reported_and_leaves_no_short_file(tmp_path: Path, share: float) -> None:
    segment = tmp_path / "segment"
    segment.write_bytes(encode(UNEVEN, MILLISECOND))
    limit = str(int(segment.stat().st_size * share))
    destination = tmp_path / "joined.mp4"

    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(segment), str(destination), limit],
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.startswith("joined.mp4: ")
    assert "full" in run.stdout
    assert run.stdout.count("\n") == 1
    assert not destination.exists()


def test_pictures_that_do_not_fit_are_refused() -> None:
    encoder = SegmentEncoder(128, 96, MILLISECOND)
    encoder.write(draw(0), 40)
    with pytest.raises(ValueError, match=r"uint8 \(97, 128, 3\), not uint8 \(96, 128, 3\)"):
        encoder.write(draw(1, 128, 97), 80)
    with pytest.raises(ValueError, match="at 39 ticks comes after one at 40"):
        encoder.write(draw(1), 39)
    assert encoder.finish()


def test_an_encoder_that_this_machine_lacks_is_named() -> None:
    with pytest.raises(VideoError, match=r"cannot encode with h265_magic: choose one of .*libx264"):
        SegmentEncoder(128, 96, MILLISECOND, codec="h265_magic")


def size_and_error(pictures: list[NDArray[np.uint8]]) -> tuple[int, float]:
    """Bytes of the segment, and the mean squared error of the pictures that it shows."""
    encoder = SegmentEncoder(*pictures[0].shape[1::-1], MILLISECOND)
    for number, picture in enumerate(pictures):
        encoder.write(picture, number)
    nut = EncodedSegment.from_bytes(encoder.finish()).nut
    with av.open(io.BytesIO(nut)) as container:
        shown = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    errors = [(a.astype(float) - b) ** 2 for a, b in zip(shown, pictures, strict=True)]
    return len(nut), float(np.mean(errors))


def test_a_moving_face_takes_no_more_and_looks_no_worse_than_with_a_slower_preset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = talking(48)
    size, error = size_and_error(pictures)
    monkeypatch.setitem(encoding._OPTIONS, "libx264", {"crf": "18", "preset": "veryfast"})
    slower_size, slower_error = size_and_error(pictures)
    assert size < 1.02 * slower_size
    assert error < 1.012 * slower_error  # 0.05 dB


def test_pictures_are_encoded_in_the_thread_that_writes_them() -> None:
    threads = psutil.Process().num_threads()
    encoder = SegmentEncoder(640, 480, MILLISECOND)
    for number in range(12):
        encoder.write(draw(number, 640, 480), number)
    assert psutil.Process().num_threads() == threads
    encoder.finish()
