"""RetinaFace's pre- and post-processing."""

import numpy as np
import pytest

from workers.models.retinaface import MEAN_BGR, decode, letterboxed


def test_a_picture_that_fits_is_laid_in_the_corner_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    tensor, scale = letterboxed(picture, 80, 96)
    assert (tensor.shape, scale) == ((1, 3, 80, 96), 1.0)
    np.testing.assert_array_equal(tensor[0, :, :48, :64].transpose(1, 2, 0), picture - MEAN_BGR)
    assert not tensor[0, :, 48:].any()
    assert not tensor[0, :, :, 64:].any()


def test_a_larger_picture_is_shrunk_to_fit():
    tensor, scale = letterboxed(np.full((200, 100, 3), 255, np.uint8), 80, 96)
    assert scale == pytest.approx(0.4)
    assert tensor[0, 0, :, :40].min() == 255 - 104
    assert not tensor[0, :, :, 40:].any()


def test_no_face_gives_no_boxes():
    found = decode(np.zeros((16800, 4), np.float32), np.zeros(16800, np.float32), 640, 640, 0.5)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
