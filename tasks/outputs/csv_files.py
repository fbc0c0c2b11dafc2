"""CSV files that are written row by row."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


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
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        yield CsvFile(file, header)
