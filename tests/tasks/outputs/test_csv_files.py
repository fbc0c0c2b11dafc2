"""Cells and files of the tables."""

import gzip

import numpy as np
import pytest

from tasks.outputs.csv_files import fixed, gzip_csv_file


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("decimals", [2, 4, 5])
def test_many_numbers_are_said_as_each_by_itself(kind, decimals):
    draw = np.random.default_rng(decimals)
    values = (draw.normal(size=500) * 10.0 ** draw.integers(-6, 7, 500)).astype(kind)
    values[:6] = [0.0, -0.0, 0.125, -0.00001, 1e-30, 12345.675]
    assert fixed(values, decimals) == [f"{value:.{decimals}f}" for value in values]


def test_what_is_no_number_is_empty():
    values = np.array([1.0, np.nan, np.inf, -np.inf, 2.5])
    assert fixed(values, 2) == ["1.00", "", "", "", "2.50"]
    assert fixed(np.full(3, np.nan), 2) == ["", "", ""]
    assert fixed(np.zeros(0), 2) == []


def test_the_same_rows_give_the_same_packed_bytes_however_they_come(tmp_path):
    rows = [[str(k), f"{k / 7:.4f}"] for k in range(5000)]
    for name, step in (("one", 5000), ("many", 7)):
        with gzip_csv_file(tmp_path / name, ["k", "x"]) as file:
            for start in range(0, len(rows), step):
                file.add(rows[start : start + step])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "many").read_bytes()
    assert gzip.decompress((tmp_path / "one").read_bytes()).startswith(b"k,x\n0,0.0000\n")
