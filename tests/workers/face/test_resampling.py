"""Antialiased resizing: exact on simple pictures, and the same as torch's."""

import numpy as np
import pytest

from workers.face.crops.resampling import resize


def whole(picture) -> np.ndarray:
    return np.array([0.0, 0.0, picture.shape[2], picture.shape[1]])


def test_halving_keeps_the_mean_and_weighs_as_a_triangle():
    ramp = np.arange(8, dtype=np.float32)[None, :, None] * np.ones((1, 1, 4), np.float32)
    halved = resize(ramp, whole(ramp), 4, 2)
    assert halved.shape == (1, 4, 2)
    np.testing.assert_allclose(halved[0, 1:3, 0], [2.5, 4.5])
    np.testing.assert_allclose(halved.mean(), ramp.mean())


def test_a_flat_picture_stays_flat():
    flat = np.full((3, 37, 91), 0.25, np.float32)
    np.testing.assert_allclose(resize(flat, whole(flat), 224, 224), 0.25, rtol=1e-6)


def test_it_equals_torch():
    torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
    for size in [(250, 190), (100, 130), (701, 650), (224, 224)]:
        check_it_equals_torch(torch, size)


def check_it_equals_torch(torch, size):
    picture = np.random.default_rng(3).random((3, *size), dtype=np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(picture)[None],
        (224, 224),
        mode="bilinear",
        antialias=True,
    )[0].numpy()
    np.testing.assert_allclose(resize(picture, whole(picture), 224, 224), expected, atol=2e-5)


def test_a_box_of_whole_pixels_is_that_part_of_the_picture():
    picture = np.random.default_rng(4).random((3, 90, 120), dtype=np.float32)
    part = np.ascontiguousarray(picture[:, 11:77, 23:101])
    made = resize(picture, np.array([23.0, 11.0, 101.0, 77.0]), 40, 50)
    np.testing.assert_allclose(made, resize(part, whole(part), 40, 50), rtol=1e-6)


def test_what_lies_beyond_the_box_is_not_seen():
    picture = np.zeros((1, 60, 60), np.float32)
    picture[:, 20:40, 20:40] = 1.0
    made = resize(picture, np.array([20.0, 20.0, 40.0, 40.0]), 7, 7)
    np.testing.assert_allclose(made, 1.0, rtol=1e-6)


@pytest.mark.parametrize("size", [24, 200])
@pytest.mark.parametrize("edge", range(4))
def test_a_last_digit_of_the_box_changes_last_digits_only(edge, size):
    picture = np.random.default_rng(5).random((1, 70, 70), dtype=np.float32)
    for place in (3.0, 3.5, 3.99999):
        box = np.array([place, place, 60.0 + place, 60.0 + place])
        moved = box + 2e-5 * (np.arange(4) == edge)
        change = np.abs(resize(picture, box, size, size) - resize(picture, moved, size, size))
        assert change.max() < 1e-4
