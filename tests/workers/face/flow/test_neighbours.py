"""What a frame's neighbours say of it, and when that is doubtful."""

import numpy as np
import pytest

from workers.face.flow.neighbours import (
    CHANGE,
    DEPARTURE,
    DISAGREEMENT,
    RETURN_ERROR,
    Looked,
    NeighbourRule,
    carried,
)
from workers.face.flow.point_tracks import PointTrack
from workers.face.scheme import IBUG68, WFLW98

RULE = NeighbourRule(IBUG68)
POINTS = np.random.default_rng(3).uniform(20, 200, (68, 2)).astype(np.float32)
EYE, MOUTH, CONTOUR = list(range(36, 42)), list(IBUG68.mouth), list(IBUG68.contour)
NOWHERE = np.zeros(68)


def looked(moved: np.ndarray, error: np.ndarray = NOWHERE, change: np.ndarray = NOWHERE) -> Looked:
    return Looked(POINTS, PointTrack(np.float32(POINTS + moved), error, change))


def at(points: list[int], value: float) -> np.ndarray:
    numbers = np.zeros(68)
    numbers[points] = value
    return numbers


def test_points_that_move_with_the_head_stay_where_they_are_on_it() -> None:
    way = np.array([9.0, -4.0])
    estimate = RULE.between(looked(way), looked(way), 0.3)
    np.testing.assert_allclose(estimate.points, POINTS + way, atol=1e-3)
    assert estimate.doubt < 0.01


def test_the_nearer_neighbour_counts_more() -> None:
    ways = np.array([2.0, 0.0]), np.array([0.0, 0.0])
    early = RULE.between(looked(ways[0]), looked(ways[1]), 0.1).points - POINTS
    late = RULE.between(looked(ways[0]), looked(ways[1]), 0.9).points - POINTS
    np.testing.assert_allclose(early[:, 0], 1.8, atol=1e-3)
    np.testing.assert_allclose(late[:, 0], 0.2, atol=1e-3)


@pytest.mark.parametrize("measure", ["error", "change"])
def test_a_track_that_is_not_to_be_trusted_hardly_counts(measure: str) -> None:
    astray = np.zeros((68, 2))
    astray[EYE] = 3.0, 0.0
    after = looked(astray, **{measure: at(EYE, 3.0)})
    points = RULE.between(looked(np.zeros(2)), after, 0.5).points
    assert np.abs(points - POINTS)[EYE].max() < 0.3


def test_the_contour_goes_with_the_head_whatever_flow_says() -> None:
    way = np.full((68, 2), (5.0, 2.0))
    slid = way.copy()
    slid[CONTOUR] += 8.0, 0.0
    points = RULE.between(looked(slid), looked(slid), 0.5).points
    np.testing.assert_allclose(points, POINTS + way, atol=1e-3)


def test_a_similarity_is_found_again() -> None:
    angle, scale = 0.3, 1.2
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = POINTS @ turn.T + (7, 8)
    np.testing.assert_allclose(carried(POINTS.astype(float), there, np.ones(68)), there, atol=1e-4)


@pytest.mark.parametrize("region", [EYE, MOUTH])
@pytest.mark.parametrize(("measure", "limit"), [("error", RETURN_ERROR), ("change", CHANGE)])
def test_eyes_and_mouth_are_doubtful_from_a_limit_on(
    region: list[int], measure: str, limit: float
) -> None:
    less, more = (looked(np.zeros(2), **{measure: at(region, f * limit)}) for f in (0.95, 1.05))
    assert RULE.between(less, less, 0.5).doubt < 1.0
    assert RULE.between(more, more, 0.5).doubt > 1.0


def test_a_mouth_that_moves_otherwise_than_the_head_is_doubtful() -> None:
    open_wide = np.zeros((68, 2))
    open_wide[MOUTH[10:]] = 0.0, 3 * DEPARTURE
    assert RULE.between(looked(open_wide), looked(open_wide), 0.5).doubt > 1.0


def test_neighbours_that_do_not_agree_are_doubtful() -> None:
    way = np.array([1.1 * DISAGREEMENT, 0.0])
    assert RULE.between(looked(way), looked(0 * way), 0.5).doubt > 1.0
    assert RULE.between(looked(0.8 * way), looked(0 * way), 0.5).doubt < 1.0


@pytest.mark.parametrize("scheme", [IBUG68, WFLW98])
def test_every_layout_has_its_own_regions(scheme) -> None:
    points = np.random.default_rng(1).uniform(0, 200, (scheme.count, 2)).astype(np.float32)
    none = np.zeros(scheme.count)
    still = Looked(points, PointTrack(points, none, none))
    np.testing.assert_allclose(
        NeighbourRule(scheme).between(still, still, 0.4).points, points, atol=1e-3
    )
