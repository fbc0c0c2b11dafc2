"""How far a kind's answers lie from the reference, in px and scores."""

import numpy as np
import pytest

from weights.kinds.drift import LIMITS, Drift, drift
from workers.models.retinaface import anchors, decode

SEEN = np.random.default_rng(3)


def numbers(*shape):
    return SEEN.normal(0, 0.3, shape).astype(np.float32)


def test_points_count_in_px_of_the_picture_that_the_network_sees():
    points, confidence = numbers(1, 98, 2), np.float32([0.5])
    moved = points.copy()
    moved[0, 7, 1] += 1 / 128
    found = drift("star98", [[points, confidence]], [[moved, confidence - np.float32(0.002)]])
    assert found.largest == pytest.approx({"px": 1.0, "score": 0.002}, rel=1e-3)
    points = numbers(2, 136)
    moved = points.copy()
    moved[1, 135] -= 0.5 / 112
    found = drift("pfld68", [[points]], [[moved]])
    assert found.largest == pytest.approx({"px": 0.5}, rel=1e-3)


@pytest.mark.parametrize(("name", "side"), [("retinaface_face", 192), ("retinaface_frame", 640)])
def test_boxes_taken_for_faces_count_by_the_edge_that_moves_most(name, side):
    count = len(anchors(side, side))
    offsets, scores = numbers(1, count, 4), np.full((1, count), 0.1, np.float32)
    moved = offsets + numbers(1, count, 4) / 10
    faces = [3, count // 2, count - 1]
    scores[0, faces] = 0.9
    found = drift(name, [[offsets, scores]], [[moved, scores + np.float32(0.003)]])
    before, after = (decoded(answer[0], faces, side) for answer in (offsets, moved))
    assert found.largest["px"] == pytest.approx(np.abs(after - before).max(), rel=1e-4)
    assert found.largest["score"] == pytest.approx(0.003, rel=1e-3)


def test_without_a_face_the_likeliest_box_counts():
    offsets, scores = numbers(1, 1512, 4), np.full((1, 1512), 0.1, np.float32)
    scores[0, 1511] = 0.2
    moved = offsets.copy()
    moved[0, 5] += 1
    exact, other = [offsets, scores], [moved, scores]
    assert drift("retinaface_face", [exact], [other]).largest["px"] == 0
    moved[0, 1511, 0] += 0.01
    expected = pytest.approx(0.01 * 0.1 * 512, rel=1e-3)
    assert drift("retinaface_face", [exact], [other]).largest["px"] == expected


def test_a_face_that_only_the_kind_sees_counts():
    offsets, scores = numbers(1, 1512, 4), np.full((1, 1512), 0.1, np.float32)
    scores[0, 0] = 0.9
    seen, moved = scores.copy(), offsets.copy()
    seen[0, 9] = 0.6
    moved[0, 9] += 1
    assert drift("retinaface_face", [[offsets, scores]], [[moved, seen]]).largest["px"] > 1


def decoded(offsets, wanted, side):
    """Some anchors' boxes by the workers' own decoder, one at a time: none suppresses another."""
    boxes = []
    for anchor in wanted:
        alone = np.zeros(len(offsets), np.float32)
        alone[anchor] = 1
        boxes.append(decode(offsets, alone, side, side, 0.5).boxes[0])
    return np.array(boxes)


def test_the_typical_input_decides_but_no_missing_number_is_forgiven():
    limits = LIMITS["mtl_aus"]
    right = [np.zeros((2, 8), np.float32)]
    astray = [right[0] + np.float32(0.2)]
    once = drift("mtl_aus", [right] * 3, [right, astray, right])
    assert once.typical["score"] == 0
    assert once.largest["score"] == pytest.approx(0.2)
    assert once.within(limits)
    assert not drift("mtl_aus", [right] * 3, [astray, astray, right]).within(limits)
    missing = [np.full((2, 8), np.nan, np.float32)]
    assert not drift("mtl_aus", [right] * 3, [right, missing, right]).within(limits)
    assert not once.without_numbers().within(limits)


def test_every_unit_has_its_limit():
    found = Drift({"px": 0.1, "score": 0.02}, {"px": 0.2, "score": 0.02})
    assert not found.within(LIMITS["star98"])
    assert str(found) == "0.1 px (0.2 at most) and 0.02 score (0.02 at most)"


def test_of_two_runs_the_worse_counts_by_unit():
    first = Drift({"px": 0.1, "score": 0.02}, {"px": 0.2, "score": 0.03})
    second = Drift({"px": 0.3, "score": 0.01}, {"px": 0.4, "score": 0.01})
    worse = first.worse(second)
    assert worse == Drift({"px": 0.3, "score": 0.02}, {"px": 0.4, "score": 0.03})
