"""When a face is at rest, how noisy it is measured then, and what it does afterwards."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.outputs.measures.movements import LEAST, movements
from tasks.outputs.measures.recording import SIDE_KINDS
from tests.tasks.outputs.measures.filmed import (
    EXERCISES,
    RATE,
    SWAYING,
    exercised,
    filmed,
    measured,
    still,
    without_faces,
)
from weights.demo.exercises import activations_at, exercises
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.pose import FacePose
from weights.demo.true_measures import true_measures

OWN_MEASURE = {
    "brows up": "brow_height",
    "eyes shut": "eye_closure",
    "smile": "commissure_excursion",
    "snarl": "nasolabial_excursion",
    "lips apart": "dental_show",
}
"""What an exercise is meant to move."""

SMILE = Activations(SideActivations(au12=1.0), SideActivations(au12=1.0))
POSE = FacePose(640.0, 360.0, 360.0)


def true_excursions(measure: str, exercise: str) -> np.ndarray:
    """Of the left and the right side while an exercise is held, mm or a share."""
    (held,) = (one for one in EXERCISES if one.name == exercise)
    times = 0.0, round(held.hold[0] * RATE) / RATE + 0.1
    at_rest, peak = (true_measures(activations_at(time, EXERCISES)).of_sides for time in times)
    if measure == "eye_closure":
        fissure = "palpebral_fissure_height"
        return 1.0 - np.array(peak[fissure]) / np.array(at_rest[fissure])
    sign, name = (-1.0, "alar_base_drop") if measure.startswith("nasolabial") else (1.0, measure)
    return sign * (np.array(peak[name]) - np.array(at_rest[name]))


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_the_calmest_second_is_one_at_rest(noise):
    rest = measured(exercised(SWAYING, noise=noise)).rest
    assert rest.stop - rest.start == RATE
    assert rest.stop <= 2.2 * RATE  # the first exercise begins at 2 s


def test_a_smile_that_is_held_for_a_third_of_the_time_is_not_rest():
    done = [SMILE] * 60 + [Activations()] * 120
    rest = measured(filmed([POSE] * 180, done)).rest
    assert rest.start >= 60


def test_rest_is_where_somebody_says():
    faces = exercised()
    found = measured(faces, asked=(0.5, 1.25))
    assert (found.rest.start, found.rest.stop, found.rest.asked) == (10, 25, True)
    smiling = measured(faces, asked=(10.0, 11.0))
    in_smile = [m for m in movements(smiling) if m.measure == "commissure_excursion"]
    assert not any(m.start < 210 < m.stop for m in in_smile)
    with pytest.raises(ValueError, match=r"no face was measured between 30 and 31 s.*--rest"):
        measured(faces, asked=(30.0, 31.0))


def test_rest_is_where_a_face_is_seen_that_looks_ahead():
    faces = without_faces(still(200), slice(0, 90))
    faces.yaws[90:150] = 20.0
    assert measured(faces).rest.start >= 146
    shorter = measured(without_faces(still(12), slice(0, 4))).rest
    assert (shorter.start, shorter.stop) == (0, 12)
    assert measured(without_faces(still(12), slice(None))).rest is None


def test_noise_is_the_deviation_at_rest():
    found = measured(exercised(noise=0.5))
    faces = found.of_sides["commissure_excursion"][found.rest.start : found.rest.stop]
    noise = found.rest.noise(found.of_sides["commissure_excursion"])
    np.testing.assert_allclose(noise, faces.std(axis=0, ddof=1))
    assert (noise > 0.05).all()


def risen(share: float, excursion: float) -> float:
    """The mean speed of an exercise's smooth rise in 0.6 s, from a share of it to nine tenths."""
    t = np.linspace(0.0, 1.0, 1001)
    begun, done = 0.6 * np.interp([share, 0.9], t * t * (3.0 - 2.0 * t), t)
    return (0.9 - share) * excursion / (done - begun)


@pytest.mark.parametrize("exercise", OWN_MEASURE)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_every_exercise_is_found_with_its_excursions_and_its_ratio(exercise, noise):
    measure = OWN_MEASURE[exercise]
    found = measured(exercised(SWAYING, noise=noise))
    (done,) = (one for one in EXERCISES if one.name == exercise)
    middle = round(RATE * (done.start + done.stop) / 2)
    (moved,) = (m for m in movements(found) if m.measure == measure and m.start <= middle < m.stop)
    true = true_excursions(measure, exercise)
    told = np.array([moved.sides[side].excursion for side in ("left", "right")])
    np.testing.assert_allclose(
        told, true, atol=(0.05 if measure == "eye_closure" else 0.7) if noise else 0.06
    )
    assert moved.stronger == "right"
    assert moved.ratio == pytest.approx(true[0] / true[1], abs=0.12 if noise else 0.02)
    for side in moved.sides.values():
        assert done.start <= side.onset <= done.start + 0.35
        assert done.start + 0.4 <= side.peak <= done.stop
        if not noise:
            share = max(0.1, LEAST["mm"][SIDE_KINDS[measure]] / side.excursion)
            assert side.speed == pytest.approx(risen(share, side.excursion), rel=0.15)
            assert side.halfway == pytest.approx(done.start + 0.3, abs=0.03)


def test_nothing_moves_in_a_still_face_and_in_one_without_rest():
    assert movements(measured(filmed([POSE] * 100, [Activations()] * 100, noise=0.4))) == []
    assert movements(measured(still(1))) == []
    assert movements(measured(still(3))) == []
    assert movements(measured(without_faces(still(40), slice(None)))) == []


def test_a_movement_below_three_deviations_of_the_noise_is_none():
    """Half a smile of 12 mm, and noise that hides it."""
    small = [one.weakened(1.0) for one in exercises(1.0)]
    faces, loud = exercised(script=tuple(small)), exercised(script=tuple(small), noise=14.0)
    assert any(m.measure == "commissure_excursion" for m in movements(measured(faces)))
    found = measured(loud, asked=(0.0, 2.0))
    limits = 3 * found.rest.noise(found.of_sides["commissure_excursion"])
    for moved in (m for m in movements(found) if m.measure == "commissure_excursion"):
        told = [moved.sides[side].excursion for side in ("left", "right")]
        assert (np.array(told) > limits).any()


def test_sides_that_move_one_after_the_other_are_told_apart_in_time():
    def smile(time: float, begins: float) -> float:
        t = float(np.clip((time - begins) / 0.5, 0.0, 1.0))
        return t * t * (3.0 - 2.0 * t)

    times = np.arange(100) / RATE
    done = [
        Activations(SideActivations(au12=smile(t, 2.30)), SideActivations(au12=smile(t, 2.05)))
        for t in times
    ]
    done += done[::-1]
    found = measured(filmed([POSE] * 200, done), asked=(0.0, 2.0))
    (moved,) = (m for m in movements(found) if m.measure == "commissure_excursion")
    assert moved.apart == pytest.approx(0.25, abs=0.02)
    assert moved.ratio == pytest.approx(1.0, abs=0.01)


def test_there_is_no_ratio_where_a_side_is_not_seen_or_neither_moved_enough():
    faces = exercised()
    faces.points[:, 46] = np.nan  # the left brow
    (moved,) = (m for m in movements(measured(faces)) if m.measure == "brow_height")
    assert moved.sides["left"] is None
    assert (moved.ratio, moved.stronger, moved.apart) == (None, None, None)


def test_a_paralysed_side_has_a_ratio_of_nothing():
    found = measured(exercised(script=exercises(0.0)))
    (moved,) = (m for m in movements(found) if m.measure == "eye_closure")
    assert moved.ratio == pytest.approx(0.0, abs=0.01)
    assert not moved.sides["left"].moved
    assert (moved.sides["left"].onset, moved.apart) == (None, None)


def test_a_movement_after_a_gap_begins_where_it_is_seen_first():
    faces = without_faces(exercised(), slice(round(9.0 * RATE), round(10.0 * RATE)))
    moved = [m for m in movements(measured(faces)) if m.measure == "commissure_excursion"]
    smile = next(m for m in moved if m.start >= 10.0 * RATE)
    assert smile.sides["right"].onset >= 10.0


def test_movements_are_the_same_each_time():
    faces = exercised(SWAYING, noise=0.3)
    again = replace(faces, times=faces.times.copy())
    assert movements(measured(faces)) == movements(measured(again))


def test_a_movement_is_not_begun_in_the_one_before_it():
    """Between two smiles the mouth does not quite come back to rest."""
    levels = np.interp(
        np.arange(160) / RATE,
        [0.0, 2.0, 2.5, 3.5, 4.0, 5.5, 6.0, 7.0, 7.5],
        [0.0, 0.0, 0.5, 0.5, 0.03, 0.03, 0.25, 0.25, 0.0],
    )
    smiles = [SideActivations(au12=float(level)) for level in levels]
    found = measured(filmed([POSE] * 160, [Activations(s, s) for s in smiles]), asked=(0.0, 2.0))
    first, second = (m for m in movements(found) if m.measure == "commissure_excursion")
    assert first.start / RATE < 2.5
    assert second.sides["left"].onset > 5.4
    # To nine tenths of the way in less than half a second.
    assert second.sides["left"].speed > 0.7 * second.sides["left"].excursion / 0.5
