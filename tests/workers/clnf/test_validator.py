"""The validator, against the network written out in loops."""

import cv2
import numpy as np
import pytest

from tests.stand_ins.landmark_models import validator_file, validator_view
from weights.clnf.validator_file import read_validator
from workers.clnf.validator import Validator, warped

RANDOM = np.random.default_rng(3)
YAWS = (0.0, -30.0, 30.0)
CORNERS = (0, 16, 8, 3)
GREY = cv2.GaussianBlur(RANDOM.integers(0, 256, (120, 160), dtype=np.uint8), (0, 0), 3)


@pytest.fixture
def views():
    """Three views, as a file has them."""
    return [validator_view(RANDOM, (20, 18)), *(validator_view(RANDOM, (21, 25)) for _ in "ab")]


@pytest.fixture
def read(views, tmp_path):
    path = tmp_path / "validator.txt"
    path.write_bytes(validator_file(YAWS, views))
    return read_validator(path)


def over(x, y, width, height):
    """Landmarks whose four that count are the corners of a part of the picture."""
    points = np.full((68, 2), 50.0)
    points[list(CORNERS)] = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]
    return points


def sigmoid(value):
    return 1.0 / (1.0 + np.exp(-value))


def convolved(maps, kernels, biases):
    """A true convolution: the kernel is turned in both axes."""
    size = kernels.shape[-1]
    height, width = maps[0].shape[0] - size + 1, maps[0].shape[1] - size + 1
    made = []
    for output, bias in enumerate(biases):
        one = np.full((height, width), bias, dtype=float)
        for source, picture in enumerate(maps):
            turned = kernels[source, output][::-1, ::-1]
            for row in range(height):
                for column in range(width):
                    patch = picture[row : row + size, column : column + size]
                    one[row, column] += (patch * turned).sum()
        made.append(sigmoid(one))
    return made


def halved(maps):
    return [
        np.array(
            [
                [one[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].mean() for c in range(one.shape[1] // 2)]
                for r in range(one.shape[0] // 2)
            ]
        )
        for one in maps
    ]


def by_definition(view, levels):
    """The answer for the pixels of the mask, column by column."""
    spread = levels.std() or 1.0
    pixels = ((levels - levels.mean()) / spread - view["mean"]) / view["deviation"]
    picture = np.zeros(view["mask"].shape)
    picture.T[view["mask"].T == 1] = pixels
    maps = halved(convolved([picture], view["kernels1"], view["biases1"]))
    maps = halved(convolved(maps, view["kernels2"], view["biases2"]))
    flat = np.concatenate([one.T.ravel() for one in maps])
    return 2 * (sigmoid(flat @ view["weights"] + view["bias"]) - 0.5)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_certainties_are_what_the_network_says(views, read, index):
    points = over(30.5, 20.25, 60.0, 70.0)
    levels = warped(read[index], GREY, points)
    assert levels.std() > 3.0
    angles = np.deg2rad([5.0, YAWS[index] + 4.0, -3.0])
    found = Validator(read).certainty(GREY, points, angles)
    assert found == pytest.approx(by_definition(views[index], levels), abs=1e-6)
    assert -1 < found < 1


def test_the_face_is_warped_between_its_landmarks(views, read):
    shading = np.add.outer(np.arange(120.0), 0.5 * np.arange(160.0)).astype(np.uint8)
    view, (height, width) = read[0], views[0]["mask"].shape
    x, y, across, down = 30.5, 20.25, 60.0, 70.0
    levels = warped(view, shading, over(x, y, across, down))
    rows, columns = np.divmod(view.places, width)
    # The four landmarks are at (-1, -2) and (width, height + 1) of the warped picture.
    at_x = x + across * (columns + 1) / (width + 1)
    at_y = y + down * (rows + 2) / (height + 3)
    np.testing.assert_allclose(levels, at_y + 0.5 * at_x, atol=1.0)


def test_outside_the_picture_it_is_black(read):
    half = warped(read[0], np.full((120, 160), 200, np.uint8), over(-40.0, 10.0, 80.0, 60.0))
    assert set(np.round(half)) >= {0.0, 200.0}
    for x in (-500.0, 900.0, 1e12):
        assert not warped(read[0], GREY, over(x, -300.0, 40.0, 40.0)).any()


def test_cutting_the_picture_down_to_the_face_changes_nothing(read):
    points = over(-8.0, 70.3, 60.0, 70.0)
    whole = np.zeros((4 * 120, 4 * 160), np.uint8)
    whole[:120, :160] = GREY
    beyond = points + np.array([160.0, 120.0])
    framed = np.zeros((3 * 120, 3 * 160), np.uint8)
    framed[120:240, 160:320] = GREY
    np.testing.assert_array_equal(warped(read[0], GREY, points), warped(read[0], framed, beyond))


def test_a_face_of_one_brightness_has_an_answer(read):
    even = np.full((120, 160), 90, np.uint8)
    assert -1 < Validator(read).certainty(even, over(30, 20, 60, 60), np.zeros(3)) < 1


def test_an_answer_beyond_all_doubt_is_no_error(views, tmp_path):
    for bias, certainty in ((-500.0, -1.0), (500.0, 1.0)):
        path = tmp_path / "validator.txt"
        path.write_bytes(validator_file([0.0], [views[0] | {"bias": bias}]))
        validator = Validator(read_validator(path))
        assert validator.certainty(GREY, over(30, 20, 60, 60), np.zeros(3)) == certainty


def test_the_nearest_view_is_asked(read):
    validator = Validator(read)
    for degrees, view in ((0, 0), (-14, 0), (-16, 1), (16, 2), (80, 2)):
        assert validator.nearest_view(np.deg2rad([0.0, degrees, 0.0])) == view
