"""The part of a picture in which a face is followed."""

import numpy as np
import pytest

from workers.face.flow.face_view import FACE_SIDE, FaceView

BOX = np.array([700.0, 300.0, 1000.0, 700.0])


def test_points_lie_on_the_same_thing_in_the_view_and_come_back() -> None:
    frame = np.zeros((1080, 1920, 3), np.uint8)
    frame[498:503, 848:853] = 255
    view = FaceView.around([BOX], 1080, 1920)
    at = view.seen(np.array([[850.0, 500.0]]))
    rows, columns = np.nonzero(view.of(frame) > 200)
    np.testing.assert_allclose(at[0], (columns.mean(), rows.mean()), atol=0.3)
    np.testing.assert_allclose(view.in_frame(at), [[850.0, 500.0]], atol=1e-3)


@pytest.mark.parametrize("enlargement", [0.2, 1.0, 4.0])
def test_a_face_is_seen_as_large_whatever_the_size_of_the_picture(enlargement: float) -> None:
    height, width = round(1080 * enlargement), round(1920 * enlargement)
    view = FaceView.around([BOX * enlargement], height, width)
    corners = view.seen(BOX.reshape(2, 2) * enlargement)
    assert np.ptp(corners[:, 1]) == pytest.approx(FACE_SIDE, abs=0.01)
    seen = view.of(np.zeros((height, width, 3), np.uint8))
    assert max(seen.shape) <= 1.6 * FACE_SIDE


def test_the_view_holds_the_face_wherever_it_is_known_to_be() -> None:
    moved = BOX + 200
    view = FaceView.around([BOX, moved], 1080, 1920)
    assert view.left < 700
    assert view.right > 1200


def test_the_view_ends_where_the_picture_ends() -> None:
    view = FaceView.around([np.array([-50.0, -80.0, 150.0, 120.0])], 100, 100)
    assert (view.left, view.top, view.right, view.bottom) == (0, 0, 100, 100)
    outside = FaceView.around([np.array([300.0, 300.0, 400.0, 400.0])], 100, 100)
    assert outside.of(np.zeros((100, 100, 3), np.uint8)).size > 0
