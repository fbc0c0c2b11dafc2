"""A recording that would not survive being cut is refused before it is cut up."""

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.faulty_recordings import copied_packets
from tests.field_pairs import record_field_pairs
from tests.recordings import Recipe, cut_off, record
from workers.video import VideoError
from workers.video.reading.codec import CodecParameters
from workers.video.reading.index import VideoIndex, read_index
from workers.video.segments import probe
from workers.video.segments.planning import ChunkSpan, plan_chunks
from workers.video.segments.probe import check_cut
from workers.video.segments.segment import Segment

GROUPS = (("g", "20"), ("bf", "2"))
BGR24 = Recipe(codec="rawvideo", pix_fmt="bgr24")


def tried(path: Path, chunk_frames: int = 25) -> None:
    index = read_index(path)
    check_cut(path, index, plan_chunks(index.key_frames, chunk_frames, history=4, anchor=10))


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("h264.mp4", Recipe(options=GROUPS)),
        ("h264.ts", Recipe(options=GROUPS)),
        ("mpeg4.avi", Recipe(codec="mpeg4", options=GROUPS)),
        ("one_key_frame.mp4", Recipe()),
        ("one_frame.mp4", Recipe(frames=1)),
        ("bgr24.avi", BGR24),
        ("palette.mov", Recipe(codec="qtrle", pix_fmt="gray", options=(("g", "10"),), frames=200)),
    ],
)
@pytest.mark.parametrize("chunk_frames", [25, 100])
def test_sound_recordings_pass(
    tmp_path: Path, name: str, recipe: Recipe, chunk_frames: int
) -> None:
    tried(record(tmp_path / name, recipe), chunk_frames)


def test_damaged_recordings_pass_since_nothing_is_known_of_them(tmp_path: Path) -> None:
    tried(record_field_pairs(tmp_path / "fields.ts"))
    sound = record(tmp_path / "sound.ts", Recipe(codec="mpeg2video", options=GROUPS))
    tried(copied_packets(sound, tmp_path / "late.ts", kept=lambda place: place > 7))
    tried(cut_off(record(tmp_path / "short.mkv", Recipe(codec="mpeg4")), 0.3), 10)


def test_pixels_that_are_read_in_another_way_are_noticed(tmp_path: Path, monkeypatch) -> None:
    path = record(tmp_path / "raw.avi", BGR24)
    honest = CodecParameters.decoder
    monkeypatch.setattr(
        CodecParameters, "decoder", lambda self: honest(replace(self, pixel_format="rgb24"))
    )
    with pytest.raises(VideoError, match=r"^raw\.avi: other pixels come out for its frame 0 once"):
        tried(path)


def test_frames_that_the_cut_loses_are_noticed(tmp_path: Path, monkeypatch) -> None:
    path = record(tmp_path / "lost.mp4", Recipe(options=GROUPS))
    honest = CodecParameters.decoder
    monkeypatch.setattr(
        CodecParameters, "decoder", lambda self: honest(replace(self, extradata=b""))
    )
    with pytest.raises(VideoError, match=r"^lost\.mp4: nothing comes out for its frame 0 once"):
        tried(path)


def test_frames_of_the_second_chunk_are_compared_as_well(tmp_path: Path, monkeypatch) -> None:
    path = record(tmp_path / "two.avi", BGR24)
    honest = probe.cut_segments

    def swapped(path: Path, index: VideoIndex, spans: list[ChunkSpan]) -> Iterator[bytes]:
        """The right segments, but for two packets of the second one."""
        for span, data in zip(spans, honest(path, index, spans), strict=True):
            segment = Segment.from_bytes(data)
            if span.start > 0:
                last, *others = reversed(segment.packets)
                wrong = msgspec.structs.replace(last, data=others[0].data)
                segment = msgspec.structs.replace(segment, packets=(*reversed(others), wrong))
            yield segment.to_bytes()

    monkeypatch.setattr(probe, "cut_segments", swapped)
    with pytest.raises(VideoError, match=r"^two\.avi: other pixels come out for its frame 2\d"):
        tried(path)


def test_few_pictures_are_held_at_a_time(tmp_path: Path, monkeypatch) -> None:
    """A chunk that begins long after its key frame would else take gigabytes of 4K."""
    alive: weakref.WeakSet[Held] = weakref.WeakSet()
    most = 0

    def counted(picture):
        nonlocal most
        held = picture.view(Held)
        alive.add(held)
        most = max(most, len(alive))
        return held

    direct, cut = probe.upright_picture, probe.decode_segment
    monkeypatch.setattr(probe, "upright_picture", lambda *given: counted(direct(*given)))
    monkeypatch.setattr(probe, "decode_segment", lambda *given: map(counted, cut(*given)))
    path = record(tmp_path / "long.mp4", Recipe(frames=40))
    check_cut(path, read_index(path), [ChunkSpan(0, 30, 0, 0, 30), ChunkSpan(39, 40, 0, 0, 40)])
    assert 1 <= most <= 3


class Held(np.ndarray):
    """A picture that a set can hold weakly."""

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return self is other


def test_a_cut_that_fails_names_the_recording(tmp_path: Path, monkeypatch) -> None:
    def failing(*_: object) -> Iterator[bytes]:
        raise VideoError("it cannot be cut")

    monkeypatch.setattr(probe, "cut_segments", failing)
    with pytest.raises(VideoError, match=r"^sound\.mp4: it cannot be cut"):
        tried(record(tmp_path / "sound.mp4"))


def test_key_frames_that_are_none_are_noticed(tmp_path: Path) -> None:
    sound = record(
        tmp_path / "sound.avi", Recipe(codec="msmpeg4", options=(("g", "200"),), frames=150)
    )
    path = copied_packets(sound, tmp_path / "keys.avi", all_keys=True)
    assert all(read_index(path).key_frames)
    with pytest.raises(VideoError, match=r"^keys\.avi: other pixels come out for its frame"):
        tried(path, 50)
