"""CSV files that are written row by row."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

COMPRESSION = 4
"""Of zlib's levels: a fifth of the time that 6 and 9 take, for 7 % more bytes."""


def fixed(values: NDArray[np.floating[Any]], decimals: int) -> list[str]:
    """Numbers (n,) with so many decimals; empty where there is none."""
    if not len(values):
        return []
    # One format for all: number by number takes five times as long.
    said = (" ".join([f"%.{decimals}f"] * len(values)) % tuple(values.tolist())).split(" ")
    finite = np.isfinite(values)
    if not finite.all():
        for place in np.flatnonzero(~finite).tolist():
            said[place] = ""
    return said


class CsvFile:
    """A CSV file being written."""

    def __init__(self, file: TextIO, header: Sequence[str]) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(header)

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Write some rows."""
        self._writer.writerows(rows)


@contextmanager
def csv_file(path: Path, header: Sequence[str]) -> Iterator[CsvFile]:
    """A plain file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        yield CsvFile(file, header)


@contextmanager
def gzip_csv_file(path: Path, header: Sequence[str]) -> Iterator[CsvFile]:
    """A compressed file: no name and no time in it, so that the same rows give the same bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(
            filename="", fileobj=raw, mode="wb", compresslevel=COMPRESSION, mtime=0
        ) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        yield CsvFile(file, header)
