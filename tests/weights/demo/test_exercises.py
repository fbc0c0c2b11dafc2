"""The phantom's recordings: smooth, repeatable, every AU driven, the left side weaker."""

from itertools import pairwise

import numpy as np
import pytest

from weights.demo.exercises import (
    Recording,
    activations_at,
    exercises,
    frames,
    one_by_one,
    pose_at,
)
from weights.demo.face_shape import AUS, SIDES

SMALL = Recording(seed=3, width=160, height=120, seconds=20.0)


def test_exercises_follow_each_other_and_end_in_20_seconds() -> None:
    script = exercises(0.5)
    assert [e.name for e in script] == [
        *("rest", "brows up", "eyes shut", "smile", "snarl", "lips apart"),
    ]
    assert all(a.stop <= b.start for a, b in pairwise(script))
    assert script[-1].stop <= 20.0


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
def test_the_left_side_moves_less_by_the_factor(factor: float) -> None:
    script = exercises(factor)
    for time in np.arange(0, 20, 0.1):
        done = activations_at(float(time), script)
        np.testing.assert_allclose(done.left.values(), factor * done.right.values(), atol=1e-12)


def test_the_exercises_drive_every_au_fully_smoothly_and_return_to_rest() -> None:
    script = exercises(0.5)
    course = np.array([activations_at(i / 30, script).right.values() for i in range(600)])
    assert (course.max(axis=0) >= 0.8).all()
    assert (course.min(axis=0) == 0.0).all()
    assert np.abs(np.diff(course, axis=0)).max() < 0.1
    assert not course[-1].any()


def test_a_held_exercise_is_at_its_peak() -> None:
    for exercise in exercises(0.4)[1:]:
        start, stop = exercise.hold
        for time in (start, (start + stop) / 2, stop):
            assert exercise.strength(time) == pytest.approx(1.0)


def test_one_by_one_moves_one_au_of_one_side_at_a_time() -> None:
    script = one_by_one()
    assert [e.name for e in script] == [f"{side} {au}" for side in SIDES for au in AUS]
    for exercise in script:
        done = activations_at((exercise.start + exercise.stop) / 2, script)
        moved = {
            f"{side} {au}"
            for side in SIDES
            for au, value in zip(AUS, done.of(side).values(), strict=True)
            if value
        }
        assert moved == {exercise.name}


def test_the_head_sways_slowly_and_stays_in_the_picture() -> None:
    recording = Recording(face=0.8, roll=20.0)
    poses = [pose_at(i / 30, recording) for i in range(recording.count)]
    steps = [np.hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(poses)]
    assert 0 < max(steps) < 2.0
    assert max(abs(p.roll - 20.0) for p in poses) < 2.0
    assert min(p.box()[1] for p in poses) > 0
    assert max(p.box()[3] for p in poses) < recording.height


def test_frames_are_numbered_complete_and_repeatable() -> None:
    short = Recording(seed=3, width=160, height=120, seconds=0.5)
    first, again = (list(frames(short, exercises(0.5))) for _ in range(2))
    assert [frame.index for frame in first] == list(range(15))
    assert [frame.time for frame in first] == [i / 30 for i in range(15)]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.picture, b.picture)
    assert (first[0].picture != first[1].picture).any()
    assert SMALL.count == 600
