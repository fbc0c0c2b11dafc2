"""Corrections over a whole recording, by hand."""

import numpy as np

from workers.aus.openface2.corrections import corrected_intensities, corrected_presences


def intensities(values, success=None, cutoff=None):
    raw = np.array(values, dtype=float)[:, None]
    found = np.ones(len(raw), bool) if success is None else np.array(success, bool)
    return corrected_intensities(raw, found, [cutoff])[:, 0]


def test_three_frames_are_averaged_but_not_at_the_ends():
    np.testing.assert_allclose(intensities([3, 0, 3, 0]), [3, 2, 1, 0])


def test_values_are_limited_before_they_are_averaged():
    np.testing.assert_allclose(intensities([0, 8, -4, 0]), [0, 5 / 3, 5 / 3, 0])


def test_the_level_of_no_activity_is_taken_away():
    # Of five values the one at place trunc(5 · 0.5) = 2 is the level: 2.
    np.testing.assert_allclose(intensities([4, 0, 2, 1, 3], cutoff=0.5), [2, 2 / 3, 0, 1 / 3, 1])


def test_frames_without_a_face_are_zero_and_set_no_level_but_are_averaged():
    found = intensities([2, 2, 0, 5, 5], success=[1, 1, 0, 1, 1], cutoff=0.25)
    np.testing.assert_allclose(found, [0, 0, 1, 2, 3])


def test_presences_are_what_most_of_seven_frames_say():
    said = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0], dtype=bool)[:, None]
    found = corrected_presences(said, np.ones(11, bool))[:, 0]
    assert found.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0]
    said[4] = True
    assert corrected_presences(said, np.ones(11, bool))[:, 0].tolist() == [
        *(1, 1, 1, 1, 1, 1, 0, 0, 1, 0, 0)
    ]


def test_a_frame_without_a_face_votes_no():
    said = np.ones((7, 1), dtype=bool)
    success = np.array([1, 1, 0, 1, 0, 0, 0], bool)
    assert corrected_presences(said, success)[:, 0].tolist() == [1, 1, 0, 0, 0, 0, 0]


def test_short_recordings_stay_as_they_are():
    for frames in range(7):
        said = np.arange(frames)[:, None] % 2 == 0
        np.testing.assert_array_equal(corrected_presences(said, np.ones(frames, bool)), said)
    np.testing.assert_allclose(intensities([1, 4]), [1, 4])
    assert intensities([]).shape == (0,)
