"""Which frames a model is calibrated with, and which ones it is tried on."""

import av
import numpy as np

from ops.quantizing.frames import HELD, chosen_frames, pictures
from tests.recordings import Recipe, record


def test_frames_lie_evenly_over_all_recordings_and_no_held_one_calibrates(tmp_path):
    long = record(tmp_path / "long.mp4", Recipe(frames=93))
    short = record(tmp_path / "short.mp4", Recipe(frames=31))
    chosen = chosen_frames([long, short], 24)
    places = [
        (93 * n) + frame
        for n, one in enumerate(chosen)
        for frame in sorted(one.calibrating + one.held)
    ]
    assert set(np.diff(places)) == {124 // 24}
    for one in chosen:
        assert not set(one.calibrating) & set(one.held)
        assert max(one.calibrating + one.held) < one.index.frame_count
    held = sum(len(one.held) for one in chosen)
    assert held == -(-len(places) // HELD)
    assert all(one.held for one in chosen)


def test_the_same_seed_gives_the_same_frames_and_another_one_others(tmp_path):
    path = record(tmp_path / "one.mp4", Recipe(frames=90))
    (first,), (again,), (other,) = (chosen_frames([path], 9, seed) for seed in (0, 0, 1))
    assert first.held == again.held
    assert first.calibrating == again.calibrating
    assert first.held != other.held


def test_pictures_are_those_of_the_recording(face_clip):
    (chosen,) = chosen_frames([face_clip], 12)
    wanted = chosen.held + chosen.calibrating
    with av.open(str(face_clip)) as file:
        every = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    found = list(pictures(face_clip, chosen.index, wanted))
    assert len(found) == len(wanted)
    for frame, picture in zip(sorted(wanted), found, strict=True):
        np.testing.assert_array_equal(picture, every[frame])
