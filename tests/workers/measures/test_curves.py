"""Smooth curves through chains of points."""

import numpy as np
import pytest

from workers.measures.curves import curve_through, graph_through

RANDOM = np.random.default_rng(3)
WAVES = np.stack(
    [np.cumsum(RANDOM.uniform(5.0, 12.0, (20, 6)), axis=1), RANDOM.normal(0.0, 4.0, (20, 6))], -1
)
"""Twenty chains of six points that run along x."""


@pytest.fixture(params=[curve_through, graph_through])
def through(request):
    return request.param


def test_a_curve_goes_through_its_points(through):
    curve = through(WAVES)
    for number in range(6):
        np.testing.assert_allclose(curve.at(np.full(20, float(number))), WAVES[:, number])
        np.testing.assert_allclose(curve.at_x(WAVES[:, number, 0]), WAVES[:, number, 1], atol=1e-9)


def test_it_is_smooth_at_them(through):
    curve, tiny = through(WAVES), 1e-4
    along, across = np.moveaxis(np.diff(WAVES, axis=1), 2, 0)
    lengths = along if through is graph_through else np.hypot(along, across / 2)
    for number in (1, 2, 3, 4):
        at = np.full(20, float(number))
        before, here, after = (curve.at(at + step) for step in (-tiny, 0.0, tiny))
        slope_before = (here - before) / tiny / lengths[:, number - 1, None]
        slope_after = (after - here) / tiny / lengths[:, number, None]
        np.testing.assert_allclose(slope_before, slope_after, atol=1e-3)


def test_a_parabola_is_met_exactly_as_a_function_of_x():
    x = np.array([[-7.0, -2.0, 1.5, 4.0, 9.0]])
    curve = graph_through(np.stack([x, 3.0 + 0.5 * x - 0.2 * x**2], axis=-1))
    at = np.linspace(-7.0, 9.0, 33)
    found = [curve.at_x(np.array([one]))[0] for one in at]
    np.testing.assert_allclose(found, 3.0 + 0.5 * at - 0.2 * at**2, atol=1e-9)


def test_a_circle_is_nearly_met_by_length_also_where_it_runs_down():
    angles = np.linspace(0.0, np.pi, 9)
    curve = curve_through(10.0 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)[None])
    radii = [np.linalg.norm(curve.at(np.array([place]))) for place in np.linspace(0, 8, 65)]
    np.testing.assert_allclose(radii, 10.0, atol=0.06)
    half_a_circle = curve.area_under(np.array([8.0]))[0]
    assert half_a_circle == pytest.approx(-np.pi * 50.0, rel=2e-3)  # it runs against x


def test_it_is_the_same_from_the_other_end(through):
    at = RANDOM.uniform(WAVES[:, 0, 0], WAVES[:, -1, 0])
    forwards, backwards = through(WAVES).at_x(at), through(WAVES[:, ::-1]).at_x(at)
    np.testing.assert_allclose(forwards, backwards, atol=1e-9)


def test_the_area_under_it_is_that_of_many_thin_strips(through):
    curve = through(WAVES)
    places = RANDOM.uniform(0.5, 5.0, 20)
    steps = np.linspace(0.0, 1.0, 20001)
    for row, place in enumerate(places):
        alone = through(WAVES[row : row + 1].repeat(len(steps), axis=0))
        x, y = alone.at(steps * place).T
        assert curve.area_under(places)[row] == pytest.approx(np.trapezoid(y, x), abs=1e-4)


def test_there_is_no_value_where_it_does_not_reach_or_comes_by_twice(through):
    assert np.isnan(through(WAVES).at_x(WAVES[:, 0, 0] - 0.1)).all()
    assert np.isnan(through(WAVES).at_x(WAVES[:, -1, 0] + 0.1)).all()
    back = np.array([[[0.0, 0.0], [10.0, 1.0], [4.0, 5.0], [12.0, 6.0]]])
    assert np.isnan(curve_through(back).at_x(np.array([7.0]))).all()
    assert np.isfinite(curve_through(back).at_x(np.array([2.0]))).all()


def test_a_point_that_is_no_number_concerns_its_own_frame_alone(through):
    broken = WAVES.copy()
    broken[4, 2] = np.nan
    at = WAVES[:, 3, 0] + 1.0
    found, whole = through(broken).at_x(at), through(WAVES).at_x(at)
    assert np.isnan(found[4])
    others = np.arange(20) != 4
    np.testing.assert_array_equal(found[others], whole[others])


def test_points_in_one_place_give_no_warning(through):
    same = np.zeros((2, 5, 2))
    assert through(same).at_x(np.zeros(2)).shape == (2,)
