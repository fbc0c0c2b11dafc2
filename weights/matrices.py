"""Matrices as OpenFace 2's files have them: in text, and in bytes among other numbers.

In both a matrix is its rows, its columns, OpenCV's number for its type, and its values row by row.
"""

import struct
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weights.manifest import WeightsError

TYPES: dict[type[np.generic], int] = {np.int32: 4, np.float32: 5, np.float64: 6}
"""OpenCV's numbers for the types that occur."""


def read_text_matrices(path: Traversable) -> list[NDArray[np.float64]]:
    """The matrices of a text file, each (rows, columns); lines that begin with # are none.

    Raises WeightsError where it holds something else, or OSError.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    words = " ".join(line for line in lines if not line.lstrip().startswith("#")).split()
    matrices = []
    try:
        while words:
            rows, columns = int(words[0]), int(words[1])
            count = rows * columns
            numbers = np.array(words[3 : 3 + count], dtype=np.float64)
            matrices.append(numbers.reshape(rows, columns))
            words = words[3 + count :]
    except (ValueError, IndexError) as error:
        raise WeightsError(f"{path} cannot be read ({error}): fetch it again") from error
    return matrices


class BinaryReader:
    """Takes little-endian numbers from some bytes, one after the other.

    Every method raises struct.error or ValueError where the bytes hold something else.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def at_end(self) -> bool:
        """Whether all bytes have been taken."""
        return self._place == len(self._data)

    def integer(self) -> int:
        """The next int32."""
        (value,) = struct.unpack_from("<i", self._data, self._place)
        self._place += 4
        return int(value)

    def double(self) -> float:
        """The next float64."""
        (value,) = struct.unpack_from("<d", self._data, self._place)
        self._place += 8
        return float(value)

    def single(self) -> float:
        """The next float32."""
        (value,) = struct.unpack_from("<f", self._data, self._place)
        self._place += 4
        return float(value)

    def matrix(self, dtype: type[np.generic]) -> NDArray[Any]:
        """The next matrix (rows, columns); refused unless its numbers have this type."""
        rows, columns, kind = self.integer(), self.integer(), self.integer()
        if kind != TYPES[dtype] or rows < 1 or columns < 1:
            raise ValueError(f"a matrix has type {kind} and {rows}x{columns} numbers")
        stored = np.dtype(dtype).newbyteorder("<")
        found = np.frombuffer(self._data, stored, rows * columns, self._place)
        self._place += found.nbytes
        return found.reshape(rows, columns).astype(dtype)
