"""Antialiased resizing: exact on simple pictures, and the same as torch's."""

import numpy as np
import pytest

from workers.face.resampling import resize


def test_halving_keeps_the_mean_and_weighs_as_a_triangle():
    ramp = np.arange(8, dtype=np.float32)[:, None, None] * np.ones((1, 4, 1), np.float32)
    halved = resize(ramp, 4, 2)
    assert halved.shape == (4, 2, 1)
    np.testing.assert_allclose(halved[1:3, 0, 0], [2.5, 4.5])
    np.testing.assert_allclose(halved.mean(), ramp.mean())


def test_a_flat_picture_stays_flat():
    flat = np.full((37, 91, 3), 0.25, np.float32)
    np.testing.assert_allclose(resize(flat, 224, 224), 0.25, rtol=1e-6)


@pytest.mark.parametrize("size", [(250, 190), (100, 130), (701, 650), (224, 224)])
def test_it_equals_torch(size):
    torch = pytest.importorskip("torch", reason="compares with torch, of the convert extra")
    picture = np.random.default_rng(3).random((*size, 3), dtype=np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(picture.transpose(2, 0, 1).copy())[None],
        (224, 224),
        mode="bilinear",
        antialias=True,
    )[0].numpy()
    np.testing.assert_allclose(resize(picture, 224, 224).transpose(2, 0, 1), expected, atol=2e-5)
