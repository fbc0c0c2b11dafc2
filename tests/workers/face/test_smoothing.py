"""Smoothing weighs the present most, looks back four frames and skips those without a face."""

import numpy as np

from workers.face.smoothing import HISTORY, smoothed


def at(value: float):
    return np.full((3, 2), value)


def test_weights_rise_from_a_half_to_one():
    window = [at(v) for v in (0.0, 0.0, 0.0, 0.0, 1.0)]
    np.testing.assert_allclose(smoothed(window), 1.0 / (0.5 + 0.625 + 0.75 + 0.875 + 1.0))


def test_a_steady_face_stays_where_it_is():
    np.testing.assert_allclose(smoothed([at(7.0)] * (HISTORY + 1)), 7.0)


def test_a_recordings_first_frame_is_not_smoothed():
    np.testing.assert_allclose(smoothed([at(3.0)]), 3.0)


def test_frames_without_a_face_are_skipped_but_keep_their_place():
    np.testing.assert_allclose(smoothed([at(0.0), None, at(1.0)]), 1.0 / 1.75)
