"""Overlap, suppression and the choice among several faces."""

import numpy as np

from workers.face.boxes import Detections, extent, most_prominent, overlaps, suppress


def test_overlap_is_intersection_over_union():
    box = np.array([0.0, 0.0, 10.0, 10.0])
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], dtype=float)
    np.testing.assert_allclose(overlaps(box, others), [1, 1 / 3, 0])


def test_overlap_with_no_boxes_is_empty():
    assert overlaps(np.array([0.0, 0, 1, 1]), np.zeros((0, 4))).shape == (0,)


def test_suppression_keeps_the_best_of_each_pile():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], dtype=float)
    assert suppress(boxes, np.array([0.6, 0.9, 0.7]), 0.4).tolist() == [1, 2]


def test_the_largest_face_is_the_patient_even_with_a_lower_score():
    boxes = np.array([[0, 0, 10, 10], [20, 20, 60, 60]], dtype=float)
    assert most_prominent(Detections(boxes, np.array([0.99, 0.8]))) == 1


def test_the_extent_is_the_tight_box():
    assert extent(np.array([[1.0, 5.0], [4.0, 2.0]])).tolist() == [1, 2, 4, 5]
