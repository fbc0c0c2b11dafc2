"""Irises of drawn eyes: their edges, whatever their size, and whether there is one."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.stand_ins.landmark_models import drawn, face_at
from workers.clnf.irises import POINTS, iris_edge, shows_iris
from workers.face.shape.shape_fit import ShapeFit

FINE = 8
"""Eyes are drawn so many times larger and made small."""


def eye(radius, centre, pupil=0.4, iris=60, opening=0.75, size=(200, 240)):
    """Grey: skin, white, iris and pupil; the lids are open by a share of the iris's diameter."""
    height, width = size
    picture = np.full((height * FINE, width * FINE), 170, np.uint8)
    middle = np.round((np.array(centre) + 0.5) * FINE).astype(int)
    ball = np.zeros_like(picture)
    cv2.ellipse(
        ball,
        middle,
        np.round(np.array([2.2, opening]) * radius * FINE).astype(int),
        0,
        0,
        360,
        1,
        -1,
    )
    inside = np.full_like(picture, 225)
    cv2.circle(inside, middle, round(radius * FINE), iris, -1)
    cv2.circle(inside, middle, round(pupil * radius * FINE), 20, -1)
    picture[ball == 1] = inside[ball == 1]
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), 0.6)


def ring(radius, centre):
    """A tracker's (8, 2): around somewhere near the iris, a quarter too large, as high as wide."""
    around = np.arange(8) * np.pi / 4 + 0.2
    off = np.array([0.25, -0.08]) * radius
    return centre + off + 1.25 * radius * np.stack([np.cos(around), np.sin(around)], axis=1)


def diameter(edge):
    return 2 * np.linalg.norm(edge - edge.mean(axis=0), axis=1).mean()


@pytest.mark.parametrize("iris", [40, 110, 150])
@pytest.mark.parametrize("radius", [5.0, 7.3, 12.0, 25.0, 40.0])
def test_the_edge_of_an_iris_is_found_from_a_ring_that_is_too_large(radius, iris):
    centre = np.array([120.3, 98.7])
    edge = iris_edge(eye(radius, centre, iris=iris), ring(radius, centre))
    assert edge.shape == (POINTS, 2)
    assert diameter(edge) == pytest.approx(2 * radius, rel=0.05)
    np.testing.assert_allclose(edge.mean(axis=0), centre, atol=0.09 * radius)
    assert edge[:, 0].mean() == pytest.approx(centre[0], abs=0.03 * radius)


@pytest.mark.parametrize("pupil", [0.2, 0.4, 0.6])
def test_a_pupil_is_not_taken_for_the_iris(pupil):
    """The edge of a dark pupil is sharper than that of a light iris."""
    centre = np.array([120.0, 100.0])
    edge = iris_edge(eye(14.0, centre, pupil, iris=140), ring(14.0, centre))
    assert diameter(edge) == pytest.approx(28.0, rel=0.05)


def test_lids_may_hide_half_of_it():
    centre = np.array([120.0, 100.0])
    edge = iris_edge(eye(14.0, centre, opening=0.6), ring(14.0, centre))
    assert diameter(edge) == pytest.approx(28.0, rel=0.06)


def test_a_flipped_picture_has_the_edge_flipped():
    centre = np.array([118.2, 100.4])
    picture, near = eye(9.0, centre), ring(9.0, centre)
    mirrored = np.stack([239.0 - near[:, 0], near[:, 1]], axis=1)
    one = iris_edge(picture, near)
    other = iris_edge(np.ascontiguousarray(picture[:, ::-1]), mirrored)
    assert diameter(other) == pytest.approx(diameter(one), abs=0.1)
    assert 239.0 - other[:, 0].mean() == pytest.approx(one[:, 0].mean(), abs=0.1)


@pytest.mark.parametrize("centre", [(0.0, 60.0), (239.0, 100.0), (120.0, 199.0)])
def test_an_eye_at_the_border_gives_some_edge_and_no_error(centre):
    edge = iris_edge(eye(10.0, np.array(centre)), ring(10.0, np.array(centre)))
    assert np.isfinite(edge).all()


@pytest.mark.parametrize("centre", [(-60.0, 60.0), (120.0, 400.0), (900.0, -900.0)])
def test_an_eye_outside_the_picture_has_none(centre):
    assert np.isnan(iris_edge(eye(10.0, (120.0, 100.0)), ring(10.0, np.array(centre)))).all()


def test_a_ring_without_extent_has_none():
    assert np.isnan(iris_edge(eye(10.0, (120.0, 100.0)), np.full((8, 2), 100.0))).all()


def test_an_iris_is_shown_where_its_experts_see_what_they_know(dot_models):
    """Here the first eight points of the dot face stand for an iris."""
    face = dot_models.face
    finest = replace(face, experts=face.experts[-1:], schedules=face.schedules[-1:])
    points, pose = face_at(1.2)
    fit = ShapeFit(pose, np.zeros(4))
    assert shows_iris(drawn(points, 1.2), finest, fit)
    assert not shows_iris(drawn(points[POINTS:], 1.2), finest, fit)
    assert not shows_iris(np.full((480, 640), 90, np.uint8), finest, fit)


def test_experts_that_say_nothing_show_no_iris(dot_models):
    """The dot face's eyes know their lids only."""
    points, _ = face_at(1.6)
    grey, eye = drawn(points, 1.6), dot_models.parts["left_eye"]
    assert not shows_iris(grey, eye.model, eye.located(grey, points))
