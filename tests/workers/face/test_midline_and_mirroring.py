"""Sides are the patient's, the reflection is a reflection, and the kept half stays as it is."""

import cv2
import numpy as np
import pytest

from workers.face.midline import Midline, midline
from workers.face.mirroring import BLEND, mirror, mirrored_landmarks, mirrored_points
from workers.face.scheme import IBUG68, WFLW98, LandmarkScheme


def upright_line(x: float) -> Midline:
    return Midline(point=np.array([x, 20.0]), direction=np.array([0.0, 1.0]))


def tilted_line() -> Midline:
    angle = np.radians(20)
    return Midline(np.array([50.0, 30.0]), np.array([np.sin(angle), np.cos(angle)]))


def face_with(scheme: LandmarkScheme, glabella: tuple[float, float], chin: tuple[float, float]):
    points = np.zeros((scheme.count, 2))
    right, left = scheme.medial_brows
    points[right] = np.subtract(glabella, (5, 0))
    points[left] = np.add(glabella, (5, 0))
    points[scheme.chin] = chin
    return points


@pytest.mark.parametrize("scheme", [WFLW98, IBUG68])
def test_the_midline_runs_from_between_the_brows_to_the_chin(scheme):
    line = midline([face_with(scheme, (60, 20), (60, 120))], scheme)
    assert line is not None
    np.testing.assert_allclose(line.point, (60, 20))
    np.testing.assert_allclose(line.direction, (0, 1))


def test_the_patients_left_is_on_the_images_right():
    assert upright_line(50).distance(np.array([[80.0, 40.0], [20.0, 40.0]])).tolist() == [30, -30]


def test_the_midlines_ends_are_averaged_over_the_frames_that_have_a_face():
    window = [face_with(WFLW98, (50, 0), (50, 100)), None, face_with(WFLW98, (60, 0), (60, 100))]
    line = midline(window, WFLW98)
    assert line is not None
    np.testing.assert_allclose(line.point, (55, 0))


def test_no_midline_where_brow_and_chin_coincide():
    assert midline([face_with(WFLW98, (60, 20), (60, 20))], WFLW98) is None


def test_reflecting_twice_gives_the_same_points_and_the_matrix_says_the_same():
    line = tilted_line()
    points = np.random.default_rng(0).uniform(0, 100, (20, 2))
    once = line.reflect(points)
    np.testing.assert_allclose(line.reflect(once), points, atol=1e-9)
    matrix = line.reflection()
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], once, atol=1e-9)
    np.testing.assert_allclose(line.distance(once), -line.distance(points), atol=1e-9)


def test_each_side_keeps_its_own_half_and_reflects_it():
    frame = np.zeros((60, 101, 3), np.uint8)
    frame[:, :50] = (0, 0, 200)  # the patient's right half is red
    frame[:, 50:] = (0, 200, 0)  # the left one is green
    made = mirror(frame, upright_line(50.0))
    clear = np.abs(np.arange(101) - 50) > BLEND
    assert (made["left"][:, clear] == (0, 200, 0)).all()
    assert (made["right"][:, clear] == (0, 0, 200)).all()


def test_the_kept_half_is_untouched_and_the_other_is_its_mirror_image():
    frame = np.random.default_rng(1).integers(0, 256, (64, 101, 3), dtype=np.uint8)
    made = mirror(frame, upright_line(50.0))
    np.testing.assert_array_equal(made["left"][:, 54:], frame[:, 54:])
    np.testing.assert_array_equal(made["left"][:, :47], frame[:, :53:-1])
    np.testing.assert_array_equal(made["right"][:, :47], frame[:, :47])
    np.testing.assert_array_equal(made["right"][:, 54:], frame[:, 46::-1])


def test_what_lies_outside_the_frame_is_black_not_invented():
    frame = np.full((20, 100, 3), 255, np.uint8)
    made = mirror(frame, upright_line(20.0))
    assert (made["right"][:, 45:] == 0).all()


def mirrored_by_weighing_every_pixel(frame: np.ndarray, line: Midline) -> dict[str, np.ndarray]:
    """What the strips have to come to."""
    size = frame.shape[1::-1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    reflected = cv2.warpAffine(frame, line.reflection(), size, flags=flags)
    normal = line.towards_patient_left / BLEND
    x, y = (np.arange(n, dtype=np.float32) * np.float32(normal[k]) for k, n in enumerate(size))
    y += np.float32(0.5 - float(line.point @ normal))
    left = np.clip(x[None, :] + y[:, None], 0.0, 1.0)
    return {
        "left": cv2.blendLinear(frame, reflected, left, 1.0 - left),
        "right": cv2.blendLinear(frame, reflected, 1.0 - left, left),
    }


@pytest.mark.parametrize("degrees", [0.0, 3.0, -17.0, 25.0, 62.0, 90.0, -90.0, 130.0, 180.0])
@pytest.mark.parametrize("through", [(80.0, 50.0), (1.0, 50.0), (-30.0, 20.0), (170.0, 99.0)])
@pytest.mark.parametrize("size", [(101, 160), (33, 17)])
def test_every_pixel_is_what_its_weights_make_it(degrees, through, size):
    frame = np.random.default_rng(7).integers(0, 256, (*size, 3), dtype=np.uint8)
    angle = np.radians(degrees)
    line = Midline(np.array(through), np.array([np.sin(angle), np.cos(angle)]))
    made = mirror(frame, line)
    for side, expected in mirrored_by_weighing_every_pixel(frame, line).items():
        np.testing.assert_array_equal(made[side], expected)


def test_mirrored_points_are_symmetric_and_only_from_the_kept_half():
    line = tilted_line()
    points = np.random.default_rng(2).uniform(0, 100, (40, 2))
    left = mirrored_points(points, line, "left")
    right = mirrored_points(points, line, "right")
    assert len(left) + len(right) == 80
    half = len(left) // 2
    assert (line.distance(left[:half]) >= 0).all()
    np.testing.assert_allclose(line.reflect(left[:half]), left[half:])
    assert (line.distance(right[: len(right) // 2]) <= 0).all()


def test_pairs_name_every_point_of_a_side_once():
    named = [point for pair in IBUG68.pairs for point in pair]
    assert len(named) == len(set(named)) == 58
    midline = set(range(68)) - set(named)
    assert midline == {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}


def test_landmarks_of_a_mirrored_face_are_symmetric_and_the_kept_half_stays():
    line = tilted_line()
    points = np.random.default_rng(4).uniform(0, 100, (68, 2))
    right, left = np.array(IBUG68.pairs).T
    for side, kept, other in (("left", left, right), ("right", right, left)):
        made = mirrored_landmarks(points, line, side, IBUG68)
        np.testing.assert_array_equal(made[kept], points[kept])
        np.testing.assert_allclose(made[other], line.reflect(points[kept]))
        for middle in (8, 30, 51):
            assert line.distance(made[[middle]]) == pytest.approx(0.0, abs=1e-9)


def test_the_patients_left_eye_is_kept_by_the_left_mirrored_face():
    points = np.zeros((68, 2))
    points[42:48, 0], points[36:42, 0] = 70.0, 20.0  # in the picture the left eye is on the right
    made = mirrored_landmarks(points, upright_line(50.0), "left", IBUG68)
    np.testing.assert_allclose(made[42:48, 0], 70.0)
    np.testing.assert_allclose(made[36:42, 0], 30.0)
