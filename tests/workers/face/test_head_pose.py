"""The head's angles: signs, sizes, and what is said of points that are no head."""

import math

import numpy as np
import pytest

from weights.demo.face_shape import Activations
from weights.demo.pose import FacePose, truth
from workers.face.head_pose import HEAD, HeadPose, head_pose
from workers.face.scheme import IBUG68, WFLW98, LandmarkScheme

SCHEMES = [IBUG68, WFLW98]
COUNTERPART = np.array([0, 1, 2, 3, 8, 7, 6, 5, 4, 12, 11, 10, 9, 14, 13])
"""Of each point of HEAD in a mirror image."""


def seen(head: np.ndarray, scheme: LandmarkScheme, scale=2.0) -> np.ndarray:
    """Landmarks (P, 2) of a head (15, 3); the points that are not asked for are nonsense."""
    points = np.full((scheme.count, 2), 1e4)
    points[list(scheme.rigid)] = scale * head[:, :2] + (320.0, 200.0)
    return points


def turned(yaw=0.0, pitch=0.0, roll=0.0) -> np.ndarray:
    """HEAD, turned by angles in degrees, one after the other, written out by hand."""
    x, y, z = HEAD.T
    a, b, c = np.radians([yaw, pitch, roll])
    x, z = x * np.cos(a) - z * np.sin(a), x * np.sin(a) + z * np.cos(a)
    y, z = y * np.cos(b) + z * np.sin(b), z * np.cos(b) - y * np.sin(b)
    x, y = x * np.cos(c) - y * np.sin(c), x * np.sin(c) + y * np.cos(c)
    return np.stack([x, y, z], axis=1)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_head_that_looks_into_the_camera_is_not_turned(scheme):
    assert head_pose(seen(HEAD, scheme), scheme).values() == pytest.approx([0, 0, 0], abs=1e-6)


def test_the_nose_goes_where_the_head_is_turned():
    """To the patient's left, which is the image's right; up; and the crown to the image's right."""
    tip, root = 3, 0
    assert turned(yaw=20)[tip, 0] > 5
    assert turned(pitch=20)[tip, 1] < HEAD[tip, 1] - 5
    upright, rolled = HEAD, turned(roll=20)
    assert (rolled[root] - rolled[6])[0] > (upright[root] - upright[6])[0] + 5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("yaw", [-30.0, 0.0, 25.0])
@pytest.mark.parametrize("pitch", [-20.0, 0.0, 20.0])
@pytest.mark.parametrize("roll", [-40.0, 0.0, 35.0])
def test_the_angles_of_a_turned_head_are_found(scheme, yaw, pitch, roll):
    found = head_pose(seen(turned(yaw, pitch, roll), scheme), scheme)
    assert found.values() == pytest.approx([yaw, pitch, roll], abs=0.1)


@pytest.mark.parametrize("scale", [0.2, 1.0, 12.0])
def test_the_size_of_the_face_does_not_matter(scale):
    points = seen(turned(12.0, -7.0, 5.0), IBUG68, scale)
    assert head_pose(points, IBUG68).values() == pytest.approx([12, -7, 5], abs=0.1)


def test_a_mirror_image_is_turned_to_the_other_side_and_as_much():
    head = turned(14.0, 6.0, -9.0) + np.random.default_rng(2).normal(0, 1.0, HEAD.shape)
    mirrored = (head * [-1.0, 1.0, 1.0])[COUNTERPART]
    straight = head_pose(seen(head, IBUG68), IBUG68).values()
    found = head_pose(seen(mirrored, IBUG68), IBUG68).values()
    assert found == pytest.approx(straight * [-1, 1, -1], abs=1e-6)


@pytest.mark.parametrize(("yaw", "is_turned"), [(9.9, False), (10.1, True), (-10.1, True)])
def test_a_head_is_turned_too_far_beyond_ten_degrees_of_yaw(yaw, is_turned):
    assert HeadPose(yaw, pitch=30.0, roll=30.0).turned == is_turned


@pytest.mark.parametrize("place", [100.0, float("nan")])
def test_points_without_extent_have_no_pose(place):
    found = head_pose(np.full((68, 2), place), IBUG68)
    assert all(math.isnan(angle) for angle in found.values())
    assert not found.turned


@pytest.mark.parametrize("yaw", [-20.0, -8.0, 0.0, 8.0, 20.0])
@pytest.mark.parametrize("pitch", [-15.0, 0.0, 15.0])
def test_the_phantoms_angles_are_found_within_three_degrees(yaw, pitch):
    """Its proportions are its own, and not those of the head that is fitted."""
    pose = FacePose(300.0, 250.0, 320.0, roll=-12.0, yaw=yaw, pitch=pitch)
    found = head_pose(truth(pose, Activations()).points, WFLW98)
    assert found.values() == pytest.approx([yaw, pitch, -12.0], abs=3.0)
