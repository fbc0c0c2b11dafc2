"""A recording's files: written beside their final names, then renamed into place.

`run.json` goes last and an old one goes first, so a folder that has one is whole.
"""

import shutil
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tasks.messages import ChunkReport, RecordingFiles, RecordingOutcome, RecordingPlan
from tasks.outputs.au_tables import au_table_names, au_tables
from tasks.outputs.csv_files import gzip_csv_file
from tasks.outputs.durable import keep
from tasks.outputs.measures.filmed_faces import filmed_faces
from tasks.outputs.measures.movements import movements
from tasks.outputs.measures.record import MeasuresRecord, measures_record
from tasks.outputs.measures.recording import measured_recording
from tasks.outputs.measures.tables import MEASURES_FILE, MOVEMENTS_FILE, write_measures
from tasks.outputs.run_record import (
    RUN_FILE,
    PoseSummary,
    RowCounts,
    encode_run_record,
    pose_summary,
    run_record,
)
from tasks.outputs.spool import PARTIAL, ChunkSpool
from tasks.outputs.table_rows import landmark_header, landmark_rows
from tasks.results import ChunkResult
from workers.chunk.order import AnalysisSettings, VideoName
from workers.chunk.rows import ChunkRows, face_jumps
from workers.face.scheme import SCHEMES
from workers.measures.layout import LAYOUTS
from workers.session.backends import CPU, permitted_kinds
from workers.video.writing.joining import join_segments


class OutputError(Exception):
    """The stored results are not what the plan says, so nothing is written."""


def output_names(name: str) -> list[str]:
    """Every file that a recording's folder may hold, run.json last."""
    mirrored = written_names(name, AnalysisSettings(debug_video=True))
    return [*au_table_names(name, "original"), *mirrored]


def written_names(name: str, settings: AnalysisSettings) -> list[str]:
    """The files that a recording's folder gets with these settings, run.json last."""
    videos = [_video_name(name, video) for video in settings.videos]
    tables = [*au_table_names(name, settings.faces), f"{name}_landmarks.csv.gz"]
    clinical = [f"{name}_{file}" for file in (MEASURES_FILE, MOVEMENTS_FILE)]
    return [*videos, *tables, *clinical, RUN_FILE]


def _video_name(name: str, video: VideoName) -> str:
    return f"{name}_debug.mp4" if video == "debug" else f"{name}_{video}_mirrored.mp4"


def write_outputs(plan: RecordingPlan, files: RecordingFiles, weights: Path) -> RecordingOutcome:
    """Write everything from the spooled chunks and put it into place.

    weights: this machine's weights folder, for AUs that follow from the whole recording. Raises
    OutputError, WeightsError, VideoError or OSError (a full disk, a folder that cannot be written);
    the recording's folder then holds what it held before.
    """
    spool = ChunkSpool(files, plan.order.id)
    reports = [spool.chunk(k).report for k in range(len(plan.chunks))]
    require_one_arithmetic(plan, reports)
    folder = Path(files.output) / files.name
    partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{plan.order.id}-", dir=folder))
    try:
        counts, pose, sources = _write_tables(plan, spool, weights, partial / files.name)
        measures = _write_measures(plan, spool, partial / files.name)
        _write_videos(plan, spool, partial / files.name)
        record = run_record(plan, files, reports, counts, pose, sources, measures)
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
    folder as whole, also after a power loss at any moment."""
    *others, mark = names
    for file in partial.iterdir():
        keep(file)
    (folder / mark).unlink(missing_ok=True)
    keep(folder)
    for name in others:
        if (partial / name).exists():
            (partial / name).replace(folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    keep(folder)
    (partial / mark).replace(folder / mark)
    keep(folder)


def require_one_arithmetic(plan: RecordingPlan, reports: list[ChunkReport]) -> None:
    """Raises OutputError unless all chunks ran on the study's weights, of kinds that its record has
    and in its precision, and, where machines may not be mixed, with one arithmetic."""
    order = plan.order
    wanted = {model.name: model.sha256 for model in order.models}
    kinds = {(m.name, v.kind, v.batch, v.sha256) for m in order.models for v in m.variants}
    for report in reports:
        used = {model.name: model.sha256 for model in report.models}
        run = {(m.name, v.kind, v.batch, v.sha256) for m in report.models for v in m.variants}
        if not run <= kinds:
            strange = ", ".join(sorted({f"{name} ({kind})" for name, kind, *_ in run - kinds}))
            raise OutputError(
                f"{report.worker} used kinds of models that are not in the study's record "
                f"({strange}): give all workers the same weights, and submit it again"
            )
        backend = report.backend or CPU
        if backend.kind not in permitted_kinds(order.precision):
            raise OutputError(
                f"{report.worker} measured in {backend.precision}, not in {order.precision}: "
                "submit it again"
            )
        if used != wanted:
            changed = sorted(n for n in used.keys() | wanted.keys() if used.get(n) != wanted.get(n))
            raise OutputError(
                f"{report.worker} used other weights than the study's ({', '.join(changed)}): "
                "give all workers the same weights, and submit it again"
            )
    encoders = sorted({report.encoder for report in reports})
    if len(encoders) > 1:
        raise OutputError(
            f"its videos were written by unlike encoders ({', '.join(encoders)}), which cannot be "
            "joined: submit it again"
        )
    unlike = {r.arithmetic: r for r in reports}
    if len(unlike) > 1 and not order.mix_providers:
        found = "; ".join(f"{r.worker}: {r.arithmetic}" for r in unlike.values())
        raise OutputError(
            f"it was analysed by unlike machines ({found}), whose numbers differ: submit it again"
        )


def _timestamps(plan: RecordingPlan, chunk: ChunkResult) -> list[float]:
    """Seconds from the recording's first frame, for each frame of a chunk."""
    return [(pts - plan.start_pts) * plan.numerator / plan.denominator for pts in chunk.pts]


def _chunks(plan: RecordingPlan, spool: ChunkSpool) -> Iterator[tuple[ChunkRows, list[float]]]:
    """The rows of each chunk and the times of its frames, in order."""
    for k, planned in enumerate(plan.chunks):
        chunk = spool.chunk(k)
        rows = ChunkRows.from_bytes(chunk.rows)
        if len(rows) != planned.frames:
            span = f"{planned.start}-{planned.stop - 1}"
            raise OutputError(f"{len(rows)} rows were measured for the frames {span}")
        yield rows, _timestamps(plan, chunk)


def _write_tables(
    plan: RecordingPlan, spool: ChunkSpool, weights: Path, stem: Path
) -> tuple[RowCounts, PoseSummary, dict[str, str]]:
    """Write all tables, one chunk in memory at a time; the last returned is how each AU was
    obtained.

    stem: the folder and the name that all files begin with.
    """
    settings = plan.order.settings
    points, fast = SCHEMES[settings.analysis.landmarks].count, settings.analysis.fast
    shape_numbers = next(_chunks(plan, spool))[0].shapes.shape[1]
    counts = RowCounts()
    boxes, poses = [], []
    with (
        au_tables(
            settings, plan.order.models, weights, lambda: (r for r, _ in _chunks(plan, spool)), stem
        ) as aus,
        gzip_csv_file(
            Path(f"{stem}_landmarks.csv.gz"), landmark_header(points, shape_numbers, fast)
        ) as landmarks,
    ):
        for planned, (rows, times) in zip(plan.chunks, _chunks(plan, spool), strict=True):
            aus.add(rows, planned.start, times)
            landmarks.add(landmark_rows(rows, planned.start, times, fast))
            counts.add(rows)
            boxes.append(rows.boxes)
            poses.append(rows.poses)
    counts.face_jumps = face_jumps(np.concatenate(boxes))
    if counts.undecodable == counts.frames:
        raise OutputError("none of its frames could be decoded: export it again as H.264")
    if counts.frames != plan.frames:
        raise OutputError(f"{counts.frames} rows were measured for {plan.frames} frames")
    return counts, pose_summary(np.concatenate(poses)), aus.sources


def _write_measures(plan: RecordingPlan, spool: ChunkSpool, stem: Path) -> MeasuresRecord:
    """Write the tables of the clinical measures; stem: as above. Raises OutputError."""
    faces = filmed_faces(_chunks(plan, spool), plan.width, plan.height)
    settings = plan.order.settings
    try:
        measures = measured_recording(faces, LAYOUTS[settings.analysis.landmarks], settings.rest)
    except ValueError as error:
        raise OutputError(str(error)) from error
    found = movements(measures)
    write_measures(measures, found, stem)
    return measures_record(measures, found)


def _write_videos(plan: RecordingPlan, spool: ChunkSpool, stem: Path) -> None:
    """stem: the folder and the name that all files begin with."""
    time_base = Fraction(plan.numerator, plan.denominator)
    for name in plan.order.settings.analysis.videos:
        path = stem.with_name(_video_name(stem.name, name))
        segments = (spool.video(k, name) for k in range(len(plan.chunks)))
        written = join_segments(segments, path, time_base)
        if written != plan.frames:
            raise OutputError(f"{path.name} has {written} frames, the recording {plan.frames}")
