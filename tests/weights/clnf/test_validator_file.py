"""The validator's file is read as it was written, or refused."""

import numpy as np
import pytest

from tests.stand_ins.landmark_models import validator_file, validator_view
from weights.clnf.validator_file import ValidatorView, read_validator
from weights.manifest import WeightsError

SHAPES = ((20, 18), (21, 25))


@pytest.fixture
def written(tmp_path):
    """A file, and what it was written from."""
    random = np.random.default_rng(0)
    views = [validator_view(random, shape) for shape in SHAPES]
    path = tmp_path / "validator.txt"
    path.write_bytes(validator_file([0.0, -45.0], views))
    return path, views


def test_what_was_written_is_read(written):
    path, views = written
    found = read_validator(path)
    assert len(found) == 2
    np.testing.assert_allclose(found[1].centre, [0.0, -np.pi / 4, 0.0])
    for read, view, shape in zip(found, views, SHAPES, strict=True):
        assert read.shape.tolist() == list(shape)
        np.testing.assert_array_equal(read.mean, view["mean"])
        np.testing.assert_array_equal(read.deviation, view["deviation"])
        np.testing.assert_array_equal(read.biases1, view["biases1"])
        np.testing.assert_array_equal(read.biases2, view["biases2"])
        assert read.bias[0] == np.float32(view["bias"])
        for mine, theirs in ((read.kernels1, view["kernels1"]), (read.kernels2, view["kernels2"])):
            outputs, inputs = mine.shape[:2]
            for output in range(outputs):
                for source in range(inputs):
                    turned = theirs[source, output][::-1, ::-1]
                    np.testing.assert_array_equal(mine[output, source], turned)


def test_the_last_weights_run_down_the_columns_of_each_map(written):
    path, views = written
    for read, view in zip(read_validator(path), views, strict=True):
        maps, height, width = read.weights.shape
        for place, value in enumerate(view["weights"]):
            one, rest = divmod(place, height * width)
            column, row = divmod(rest, height)
            assert read.weights[one, row, column] == value
        assert maps == 3


def test_mask_pixels_run_down_the_columns_and_lie_between_their_landmarks(written):
    path, views = written
    for read, view, (height, width) in zip(read_validator(path), views, SHAPES, strict=True):
        rows, columns = np.divmod(read.places, width)
        order = [(r, c) for c in range(width) for r in range(height) if view["mask"][r, c]]
        assert list(zip(rows, columns, strict=True)) == order
        # The view's landmarks are the picture's corners: a pixel's place comes back.
        corners = np.full((17, 2), np.nan)
        corners[[0, 16, 8, 3]] = [
            [-1, -2],
            [width, -2],
            [width, height + 1],
            [-1, height + 1],
        ]
        places = (corners[read.corners] * read.shares[..., None]).sum(axis=1)
        np.testing.assert_allclose(places, np.column_stack([columns, rows]), atol=1e-9)
        np.testing.assert_allclose(read.shares.sum(axis=1), 1.0)


def test_arrays_by_name_are_put_together_again(written):
    read = read_validator(written[0])[0]
    named = read.by_name()
    again = ValidatorView.of(named)
    for name in named:
        np.testing.assert_array_equal(getattr(again, name), getattr(read, name))
    with pytest.raises(KeyError):
        ValidatorView.of({})


def changed(view, how):
    if how == "mean":
        view["mean"] = view["mean"][:-1]
    if how == "triangle":
        view["of_pixel"][10, 10] = -1
    if how == "weights":
        view["weights"] = view["weights"][:-1]
    return view


@pytest.mark.parametrize(
    ("how", "message"),
    [("mean", "do not fit"), ("triangle", "mask and its triangles"), ("weights", "reshape")],
)
def test_parts_that_do_not_fit_each_other_are_refused(how, message, tmp_path):
    view = changed(validator_view(np.random.default_rng(0)), how)
    path = tmp_path / "validator.txt"
    path.write_bytes(validator_file([0.0], [view]))
    with pytest.raises(WeightsError, match=rf"validator\.txt is no landmark .*{message}"):
        read_validator(path)


def test_another_kind_of_network_is_refused(written, tmp_path):
    content = written[0].read_bytes()
    for data in (b"\3" + content[1:], content + b"\0", content[:-5], b"", b"<html>"):
        path = tmp_path / "other.txt"
        path.write_bytes(data)
        with pytest.raises(WeightsError, match="fetch it again"):
            read_validator(path)
