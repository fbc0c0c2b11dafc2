"""Points found again, and how far they are to be trusted."""

import cv2
import numpy as np

from workers.face.flow.point_tracks import LOST, tracked

GRID = np.stack(np.meshgrid(np.arange(50, 200, 30), np.arange(50, 200, 30)), -1)
POINTS = GRID.reshape(-1, 2).astype(np.float32)


def textured(seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (250, 250)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.5), None, 0, 255, cv2.NORM_MINMAX)


def moved(picture: np.ndarray, right: float, down: float) -> np.ndarray:
    shift = np.array([[1.0, 0.0, right], [0.0, 1.0, down]])
    return cv2.warpAffine(picture, shift, picture.shape[::-1], borderMode=cv2.BORDER_REFLECT)


def test_points_are_found_where_the_picture_moved() -> None:
    source = textured()
    found = tracked(source, POINTS, moved(source, 6.5, -3.25), POINTS)
    np.testing.assert_allclose(found.points, POINTS + np.array([6.5, -3.25]), atol=0.1)
    assert found.return_error.max() < 0.1
    assert found.change.max() < 0.2


def test_what_was_expected_helps_where_a_point_went_far() -> None:
    source = textured()
    target = moved(source, 60.0, 0.0)
    inside = POINTS[POINTS[:, 0] < 150]
    found = tracked(source, inside, target, inside + np.float32((58.0, 1.0)))
    np.testing.assert_allclose(found.points, inside + np.array([60.0, 0.0]), atol=0.2)


def test_a_picture_that_changed_around_a_point_is_noticed() -> None:
    source = textured()
    target = source.copy()
    target[35:66, 35:66] = textured(2)[35:66, 35:66]
    found = tracked(source, POINTS, target, POINTS)
    covered = (POINTS == 50).all(axis=1)
    assert found.change[covered] > 0.6
    assert found.change[~covered].max() < 0.05
    assert found.distrust[covered] > 5 * found.distrust[~covered].max()


def test_points_that_are_lost_have_the_largest_error_and_stay_numbers() -> None:
    plain = np.full((250, 250), 90, np.uint8)
    outside = np.array([[-400.0, -400.0], [100.0, 100.0]], np.float32)
    found = tracked(plain, outside, plain, outside)
    np.testing.assert_array_equal(found.return_error, LOST)
    assert np.isfinite(found.points).all()
