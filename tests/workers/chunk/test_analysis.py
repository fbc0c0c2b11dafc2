"""Which frames are averaged: those of one face only."""

import numpy as np

from workers.chunk.analysis import analysed_face, points_of_same_face
from workers.face.scheme import IBUG68
from workers.face.tracking import Margins, TrackedFace


def face_at(x: float, chin: float = 90.0) -> TrackedFace:
    points = np.random.default_rng(0).uniform((x, 40), (x + 60, 80), (68, 2))
    points[21], points[22], points[8] = (x + 25, 40), (x + 35, 40), (x + 30, chin)
    box = np.array([x, 30.0, x + 60, 95.0])
    return TrackedFace(box, points, Margins.between(box, points), 0.9)


def test_the_window_starts_anew_when_the_face_is_another_ones():
    patient, therapist = face_at(20), face_at(300)
    history = points_of_same_face([patient, patient, None, therapist, therapist])
    assert [points is None for points in history] == [True, True, True, False, False]


def test_a_face_that_moves_is_still_the_same():
    window = [face_at(20), None, face_at(30), face_at(40)]
    assert [points is None for points in points_of_same_face(window)] == [False, True, False, False]


def test_a_second_person_is_mirrored_about_her_own_midline():
    picture = np.zeros((120, 400, 3), np.uint8)
    therapist = face_at(300)
    made = analysed_face(picture, therapist, [face_at(20), face_at(20), therapist], IBUG68)
    assert made is not None
    np.testing.assert_allclose(made.line.point, (330, 40))
    np.testing.assert_allclose(made.points, therapist.points)


def test_a_midline_that_leaves_a_half_empty_mirrors_nothing():
    face = face_at(20)
    face.points[[21, 22, 8]] += (200, 0)
    everything_left = np.delete(face.points, [8, 21, 22], axis=0)
    assert (everything_left[:, 0] < 200).all()
    face.points[[21, 22, 8]] = [(200, 40), (200, 40), (200, 90)]
    assert analysed_face(np.zeros((120, 400, 3), np.uint8), face, [face], IBUG68) is None
