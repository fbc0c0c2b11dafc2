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

from tasks.messages import (
    ChunkReport,
    RecordingFiles,
    RecordingOrder,
    RecordingOutcome,
    RecordingPlan,
)
from tasks.run_record import RUN_FILE, RowCounts, encode_run_record, run_record
from tasks.spool import PARTIAL, ChunkSpool, SpooledChunk
from workers.aus.table import AU_HEADER, au_rows, landmark_header, landmark_rows
from workers.chunk_rows import ChunkRows, face_jumps
from workers.face.mirroring import SIDES
from workers.face.scheme import SCHEMES
from workers.video.joining import join_segments


class OutputError(Exception):
    """The stored results are not what the plan says, so nothing is written."""


def output_names(name: str) -> list[str]:
    """Every file that a recording's folder may hold, run.json last."""
    sides = [f"{name}_{side}_mirrored" for side in SIDES]
    videos = [*(f"{side}.mp4" for side in sides), f"{name}_debug.mp4"]
    return [*videos, *(f"{side}.csv" for side in sides), f"{name}_landmarks.csv.gz", RUN_FILE]


def video_names(order: RecordingOrder) -> list[str]:
    """The videos that each chunk of a recording gives."""
    return [*SIDES, *(["debug"] if order.settings.analysis.debug_video else [])]


def write_outputs(plan: RecordingPlan, files: RecordingFiles) -> RecordingOutcome:
    """Write everything from the spooled chunks and put it into place.

    Raises OutputError, VideoError or OSError (a full disk, a folder that cannot be written); the
    folder then holds what it held before.
    """
    spool = ChunkSpool(files, plan.order.id)
    reports = [spool.chunk(k).report for k in range(len(plan.chunks))]
    require_one_arithmetic(plan, reports)
    folder = Path(files.output) / files.name
    partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{plan.order.id}-", dir=folder))
    try:
        counts = _write_tables(plan, spool, partial / files.name)
        _write_videos(plan, spool, partial / files.name)
        record = run_record(plan, files, reports, counts)
        (partial / RUN_FILE).write_bytes(encode_run_record(record))
        put_in_place(partial, folder, output_names(files.name))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return RecordingOutcome(
        status="done",
        frames=plan.frames,
        chunks=len(plan.chunks),
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
    """Raises OutputError unless all chunks ran on the study's weights, and, where providers may
    not be mixed, on one provider and runtime."""
    wanted = {model.name: model.sha256 for model in plan.order.models}
    for report in reports:
        used = {model.name: model.sha256 for model in report.models}
        if used != wanted:
            changed = sorted(n for n in used.keys() | wanted.keys() if used.get(n) != wanted.get(n))
            raise OutputError(
                f"{report.worker} used other weights than the study's ({', '.join(changed)}): "
                "give all workers the same weights, and submit it again"
            )
    kinds = {(r.provider, r.onnxruntime): r for r in reports}
    if len(kinds) > 1 and not plan.order.mix_providers:
        found = "; ".join(
            f"{r.worker}: {r.provider}, onnxruntime {r.onnxruntime}" for r in kinds.values()
        )
        raise OutputError(
            f"it was analysed by unlike workers ({found}), whose numbers differ: "
            "give all workers the same provider and onnxruntime, and submit it again"
        )


def _timestamps(plan: RecordingPlan, chunk: SpooledChunk) -> list[float]:
    """Seconds from the recording's first frame, for each frame of a chunk."""
    return [(pts - plan.start_pts) * plan.numerator / plan.denominator for pts in chunk.pts]


def _write_tables(plan: RecordingPlan, spool: ChunkSpool, stem: Path) -> RowCounts:
    """Write all tables in one pass over the chunks, one chunk in memory at a time.

    stem: the folder and the name that all files begin with.
    """
    settings = plan.order.settings
    points = SCHEMES[settings.analysis.landmarks].count
    counts = RowCounts()
    boxes = []
    with ExitStack() as files:
        sides = [
            files.enter_context(_table(Path(f"{stem}_{side}_mirrored.csv"), AU_HEADER))
            for side in SIDES
        ]
        landmarks = files.enter_context(
            _gzip_table(Path(f"{stem}_landmarks.csv.gz"), landmark_header(points))
        )
        for k, planned in enumerate(plan.chunks):
            chunk = spool.chunk(k)
            rows, times = ChunkRows.from_bytes(chunk.rows), _timestamps(plan, chunk)
            if len(rows) != planned.frames:
                span = f"{planned.start}-{planned.stop - 1}"
                raise OutputError(f"{len(rows)} rows were measured for the frames {span}")
            for side, table in enumerate(sides):
                table.add(au_rows(rows, planned.start, times, side, settings.au_labels))
            landmarks.add(landmark_rows(rows, planned.start, times))
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


def _write_videos(plan: RecordingPlan, spool: ChunkSpool, stem: Path) -> None:
    """stem: the folder and the name that all files begin with."""
    time_base = Fraction(plan.numerator, plan.denominator)
    for name in video_names(plan.order):
        shown = "debug" if name == "debug" else f"{name}_mirrored"
        path = Path(f"{stem}_{shown}.mp4")
        segments = (spool.video(k, name) for k in range(len(plan.chunks)))
        written = join_segments(segments, path, time_base)
        if written != plan.frames:
            raise OutputError(f"{path.name} has {written} frames, the recording {plan.frames}")
