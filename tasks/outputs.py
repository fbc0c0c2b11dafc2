"""A recording's files: written beside their final names, then renamed into place.

`run.json` goes last and an old one goes first, so a folder that has one is whole.
"""

import csv
import gzip
import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TextIO

import numpy as np

from tasks.messages import ChunkReport, RecordingOutcome, RecordingPlan
from tasks.run_record import RUN_FILE, RowCounts, encode_run_record, run_record
from tasks.store import RecordingStore
from workers.aus.table import AU_HEADER, au_rows, landmark_header, landmark_rows
from workers.chunk_rows import ChunkRows, face_jumps
from workers.face.mirroring import SIDES
from workers.face.scheme import SCHEMES
from workers.video.joining import join_segments

PARTIAL = ".partial-"


class OutputError(Exception):
    """The stored results are not what the plan says, so nothing is written."""


def output_names(name: str) -> list[str]:
    """Every file that a recording's folder may hold, run.json last."""
    sides = [f"{name}_{side}_mirrored" for side in SIDES]
    videos = [*(f"{side}.mp4" for side in sides), f"{name}_debug.mp4"]
    return [*videos, *(f"{side}.csv" for side in sides), f"{name}_landmarks.csv.gz", RUN_FILE]


def write_outputs(
    plan: RecordingPlan, reports: list[ChunkReport], store: RecordingStore
) -> RecordingOutcome:
    """Write everything and put it into place.

    Raises OutputError, VideoError or OSError (a full disk, a folder that cannot be written); the
    folder then holds what it held before.
    """
    require_one_arithmetic(plan, reports)
    order = plan.order
    folder = Path(order.output) / order.name
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{order.id}-", dir=folder))
    try:
        counts = _write_tables(plan, store, partial)
        _write_videos(plan, store, partial)
        record = run_record(plan, reports, counts)
        (partial / RUN_FILE).write_bytes(encode_run_record(record))
        put_in_place(partial, folder, output_names(order.name))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return RecordingOutcome(
        status="done",
        frames=plan.frames,
        measured=counts.measured,
        warnings=record.warnings,
    )


def put_in_place(partial: Path, folder: Path, names: list[str]) -> None:
    """Replace the folder's files of these names by the partial folder's; the last one marks the
    folder as whole."""
    (folder / names[-1]).unlink(missing_ok=True)
    for name in names:
        if (partial / name).exists():
            (partial / name).replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def require_one_arithmetic(plan: RecordingPlan, reports: list[ChunkReport]) -> None:
    """Raises OutputError unless all chunks ran on one provider, runtime and set of weights."""
    kinds = {
        (r.provider, r.onnxruntime, tuple((m.name, m.sha256) for m in r.models)): r for r in reports
    }
    if len(kinds) > 1:
        found = "; ".join(
            f"{r.worker}: {r.provider}, onnxruntime {r.onnxruntime}" for r in kinds.values()
        )
        raise OutputError(
            f"{plan.order.name} was analysed by unlike workers ({found}), whose numbers differ: "
            "give all workers the same provider, onnxruntime and weights, and submit it again"
        )


def _chunks(plan: RecordingPlan, store: RecordingStore) -> Iterator[ChunkRows]:
    for k, (start, stop) in enumerate(plan.chunks):
        data = store.rows(k)
        rows = None if data is None else ChunkRows.from_bytes(data)
        if rows is None or len(rows) != stop - start:
            raise OutputError(f"the results of frames {start}-{stop - 1} are gone from Redis")
        yield rows


def _timestamps(plan: RecordingPlan, store: RecordingStore, index: int) -> list[float]:
    """Seconds from the recording's first frame, for each frame of a chunk."""
    chunk = store.chunk(index)
    if chunk is None:
        raise OutputError("the recording's plan is gone from Redis")
    shown = chunk.pts[chunk.start - chunk.first :]
    return [(pts - plan.start_pts) * plan.numerator / plan.denominator for pts in shown]


def _write_tables(plan: RecordingPlan, store: RecordingStore, folder: Path) -> RowCounts:
    """Write all tables in one pass over the chunks, one chunk in memory at a time."""
    order = plan.order
    points = SCHEMES[order.settings.analysis.landmarks].count
    counts = RowCounts()
    boxes = []
    with ExitStack() as files:
        sides = [
            files.enter_context(_table(folder / f"{order.name}_{side}_mirrored.csv", AU_HEADER))
            for side in SIDES
        ]
        landmarks = files.enter_context(
            _gzip_table(folder / f"{order.name}_landmarks.csv.gz", landmark_header(points))
        )
        for k, rows in enumerate(_chunks(plan, store)):
            first, times = plan.chunks[k][0], _timestamps(plan, store, k)
            for side, table in enumerate(sides):
                table.add(au_rows(rows, first, times, side, order.settings.au_labels))
            landmarks.add(landmark_rows(rows, first, times))
            counts.add(rows)
            boxes.append(rows.boxes)
    counts.face_jumps = face_jumps(np.concatenate(boxes))
    if counts.undecodable == counts.frames:
        raise OutputError("none of its frames could be decoded: export it again as H.264")
    if counts.frames != plan.frames:
        raise OutputError(f"{counts.frames} rows were measured for {plan.frames} frames")
    return counts


class _Table:
    """A CSV file being written."""

    def __init__(self, file: TextIO, header: Sequence[str]) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(header)

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        self._writer.writerows(rows)


@contextmanager
def _table(path: Path, header: Sequence[str]) -> Iterator[_Table]:
    with path.open("w", newline="", encoding="utf-8") as file:
        yield _Table(file, header)


@contextmanager
def _gzip_table(path: Path, header: Sequence[str]) -> Iterator[_Table]:
    # No name and no time in the file, so that the same rows give the same bytes.
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        yield _Table(file, header)


def _write_videos(plan: RecordingPlan, store: RecordingStore, folder: Path) -> None:
    order = plan.order
    time_base = Fraction(plan.numerator, plan.denominator)
    names = {str(side): f"{order.name}_{side}_mirrored.mp4" for side in SIDES}
    if order.settings.analysis.debug_video:
        names["debug"] = f"{order.name}_debug.mp4"
    for name, file in names.items():
        written = join_segments(_segments(plan, store, name), folder / file, time_base)
        if written != plan.frames:
            raise OutputError(f"{file} has {written} frames, the recording {plan.frames}")


def _segments(plan: RecordingPlan, store: RecordingStore, name: str) -> Iterator[bytes]:
    for k, (start, stop) in enumerate(plan.chunks):
        data = store.video(k, name)
        if data is None:
            raise OutputError(f"the video of frames {start}-{stop - 1} is gone from Redis")
        yield data
