"""Matrices in text and among bytes are read as they were written, or refused."""

import struct

import numpy as np
import pytest

from weights.manifest import WeightsError
from weights.matrices import BinaryReader, read_text_matrices


def matrix(kind, rows, columns, values, dtype):
    return struct.pack("<3i", rows, columns, kind) + np.asarray(values, dtype).tobytes()


def test_text_matrices_are_read_one_after_the_other(tmp_path):
    path = tmp_path / "matrices.txt"
    path.write_text("# first\n2\n3\n6\n1 2 3\n4 5.5 -6e1\n# second\n1 1 6 7\n")
    first, second = read_text_matrices(path)
    assert first.tolist() == [[1, 2, 3], [4, 5.5, -60]]
    assert second.tolist() == [[7]]


@pytest.mark.parametrize("text", ["2\n3\n6\n1 2 3\n", "<html>gone</html>", "1\n1"])
def test_a_text_that_holds_no_matrices_is_refused_by_name(text, tmp_path):
    path = tmp_path / "matrices.txt"
    path.write_text(text)
    with pytest.raises(WeightsError, match=r"matrices\.txt cannot be read .*fetch it again"):
        read_text_matrices(path)


def test_numbers_are_taken_in_their_order():
    reader = BinaryReader(
        struct.pack("<idf", -3, 0.1, 0.5)
        + matrix(6, 2, 1, [1.5, 2.5], "<f8")
        + matrix(5, 1, 2, [0.25, 4], "<f4")
        + matrix(4, 2, 2, [1, 2, 3, -4], "<i4")
    )
    assert (reader.integer(), reader.double(), reader.single()) == (-3, 0.1, 0.5)
    assert reader.matrix(np.float64).tolist() == [[1.5], [2.5]]
    assert reader.matrix(np.float32).tolist() == [[0.25, 4]]
    assert not reader.at_end
    last = reader.matrix(np.int32)
    assert last.tolist() == [[1, 2], [3, -4]]
    assert last.dtype == np.int32
    assert reader.at_end


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (matrix(5, 1, 2, [1, 2], "<f4"), "type 5 and 1x2"),
        (matrix(6, 0, 2, [], "<f8"), "type 6 and 0x2"),
        (matrix(6, -1, -2, [1, 2], "<f8"), "type 6 and -1x-2"),
        (matrix(6, 1, 3, [1, 2], "<f8"), "buffer"),
    ],
)
def test_another_matrix_than_the_one_asked_for_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        BinaryReader(data).matrix(np.float64)


def test_bytes_that_end_too_early_are_refused():
    for take in (BinaryReader.integer, BinaryReader.double, BinaryReader.single):
        with pytest.raises(struct.error):
            take(BinaryReader(b"\0\0\0"))
