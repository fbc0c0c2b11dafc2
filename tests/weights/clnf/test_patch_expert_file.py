"""Files of patch experts are read as they were written, or refused."""

import struct

import numpy as np
import pytest

from tests.stand_ins.landmark_models import SIZE, expert_bytes, experts_file, neighbours
from weights.clnf.patch_expert_file import PatchExpertArrays, read_patch_experts
from weights.manifest import WeightsError

RANDOM = np.random.default_rng(0)
YAWS = (0.0, -70.0)
VISIBLE = np.array([[1, 1, 1], [1, 0, 1]])


def neuron(kernel=None):
    kernel = RANDOM.uniform(0, 1, (SIZE, SIZE)) if kernel is None else kernel
    return (*RANDOM.uniform(-5, 5, 3), kernel)


def made_up_experts():
    """(neurons, betas, confidence) of two views of three landmarks; one landmark has one neuron."""
    counts = ([2, 1, 2], [2, 0, 2])
    return [
        [
            ([neuron() for _ in range(count)], RANDOM.uniform(0, 1, 2), 0.25 * (count + view))
            if count
            else ([], [], 0.0)
            for count in row
        ]
        for view, row in enumerate(counts)
    ]


def around(*windows):
    return {
        window: np.concatenate([neighbours(window), RANDOM.random((1, window**2, window**2))])
        for window in windows
    }


@pytest.fixture
def written(tmp_path):
    """A file, and what it was written from."""
    experts, neighbourhoods = made_up_experts(), around(3, 5, 13)
    path = tmp_path / "experts.txt"
    path.write_bytes(experts_file(0.35, YAWS, VISIBLE, experts, neighbourhoods))
    return path, experts, neighbourhoods


def test_what_was_written_is_read(written):
    path, experts, neighbourhoods = written
    read = read_patch_experts(path)
    assert read.scaling == 0.35
    np.testing.assert_allclose(read.centres, np.deg2rad([[0, 0, 0], [0, -70, 0]]))
    np.testing.assert_array_equal(read.visible, VISIBLE == 1)
    assert read.kernels.shape == (2, 3, 2, SIZE**2)
    assert read.kernels.dtype == np.float32
    for view, row in enumerate(experts):
        for landmark, (neurons, betas, confidence) in enumerate(row):
            place = (view, landmark)
            assert read.confidences[place] == confidence
            np.testing.assert_array_equal(read.betas[place], betas if neurons else [0, 0])
            for index, (gain, bias, alpha, kernel) in enumerate(neurons):
                assert read.gains[place][index] == gain
                assert read.biases[place][index] == bias
                assert read.alphas[place][index] == alpha
                single = kernel.astype(np.float32).ravel()
                likeness = np.corrcoef(read.kernels[place][index], single)[0, 1]
                assert likeness == pytest.approx(1.0, abs=1e-6)
            for index in range(len(neurons), 2):
                assert not read.kernels[place][index].any()
                assert read.alphas[place][index] == 0.0
    assert set(read.neighbourhoods) == {3, 5}  # larger ones than anybody uses are left out
    np.testing.assert_array_equal(read.neighbourhoods[3], neighbourhoods[3].astype(np.float32))


def test_kernels_have_mean_0_and_norm_1_and_flat_ones_are_0(tmp_path):
    flat = neuron(np.full((SIZE, SIZE), 0.7))
    experts = [[([neuron(), flat], [0.5], 0.1)]]
    path = tmp_path / "experts.txt"
    path.write_bytes(experts_file(1.0, [0.0], [[1]], experts, {3: neighbours(3)}))
    bumpy, even = read_patch_experts(path).kernels[0, 0]
    assert bumpy.mean() == pytest.approx(0.0, abs=1e-8)
    assert np.linalg.norm(bumpy) == pytest.approx(1.0, abs=1e-6)
    assert not even.any()


def test_experts_without_neighbourhoods_have_no_betas(tmp_path):
    path = tmp_path / "experts.txt"
    windows = {3: np.zeros((0, 9, 9)), 5: np.zeros((0, 25, 25))}
    path.write_bytes(experts_file(1.0, [0.0], [[1]], [[([neuron()], [], 0.1)]], windows))
    read = read_patch_experts(path)
    assert read.betas.shape == (1, 1, 0)
    assert read.neighbourhoods == {}
    assert read.confidences[0, 0] == 0.1


def test_arrays_by_name_are_put_together_again(written):
    read = read_patch_experts(written[0])
    again = PatchExpertArrays.of(read.by_name())
    assert again.scaling == read.scaling
    for name in ("centres", "visible", "kernels", "gains", "biases", "alphas", "betas"):
        np.testing.assert_array_equal(getattr(again, name), getattr(read, name))
    assert set(again.neighbourhoods) == set(read.neighbourhoods)
    incomplete = read.by_name()
    del incomplete["betas"]
    with pytest.raises(KeyError, match="betas"):
        PatchExpertArrays.of(incomplete)


def broken(how):
    experts, neighbourhoods, visible = made_up_experts(), around(3), VISIBLE.copy()
    if how == "hidden":
        visible[1, 1] = 1
    if how == "window":
        neighbourhoods[5] = neighbourhoods.pop(3)
    if how == "kernel":
        experts[0][0] = ([neuron(np.ones((SIZE, SIZE - 1)))], [0.1, 0.2], 0.1)
    data = experts_file(0.35, YAWS, visible, experts, neighbourhoods)
    if how == "short":
        return data[:-9]
    if how == "long":
        return data + b"\0"
    if how == "mark":
        first = expert_bytes(5, SIZE, *experts[0][0])
        return data.replace(first[:16], struct.pack("<4i", 6, SIZE, SIZE, 2), 1)
    return data


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("hidden", "other landmarks than it calls visible"),
        ("window", "does not fit the window 5"),
        ("kernel", "another size than its expert"),
        ("short", "unpack_from"),
        ("long", "behind its last expert"),
        ("mark", "begins with 6"),
    ],
)
def test_a_damaged_file_is_refused_by_name(how, message, tmp_path):
    path = tmp_path / "experts.txt"
    path.write_bytes(broken(how))
    with pytest.raises(WeightsError, match=rf"experts\.txt is no file of CCNF .*{message}"):
        read_patch_experts(path)


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", b"\0" * 64])
def test_a_file_of_something_else_is_refused(data, tmp_path):
    path = tmp_path / "experts.txt"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="fetch it again"):
        read_patch_experts(path)
