"""run.json: where every number of a recording's folder comes from."""

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version

import msgspec
import numpy as np
from numpy.typing import NDArray

from tasks.messages import ChunkReport, RecordingFiles, RecordingPlan, RunSettings
from tasks.outputs.measures.record import MeasuresRecord
from weights.manifest import InstalledModel
from workers.arrays import Floats
from workers.chunk.rows import ChunkRows
from workers.face.head_pose import TURNED_YAW
from workers.process.queues import SIMULATED
from workers.session.backends import Backend, files_run
from workers.session.trial.figures import Trial

RUN_FILE = "run.json"
OFTEN = 0.25
"""A warning is due where a larger part of the measured frames is concerned."""


class RowCounts(msgspec.Struct):
    """Counts over a recording's frames, chunk by chunk, in order.

    measured: with a face; followed: of these, whose landmarks were followed from frames before and
    behind at which the landmark model looked (--fast); without_face: readable, but no face was
    found; undecodable; searched: frames in which the whole picture was searched for faces;
    with_several_faces: of those; face_jumps: how often the measured face is elsewhere in the next
    frame.
    """

    frames: int = 0
    measured: int = 0
    followed: int = 0
    without_face: int = 0
    undecodable: int = 0
    searched: int = 0
    with_several_faces: int = 0
    face_jumps: int = 0

    def add(self, rows: ChunkRows) -> None:
        """Count the next chunk."""
        self.frames += len(rows)
        self.measured += int(rows.success.sum())
        self.followed += int(rows.followed.sum())
        self.without_face += int((rows.decoded & ~rows.success).sum())
        self.undecodable += int((~rows.decoded).sum())
        self.searched += int((rows.faces >= 0).sum())
        self.with_several_faces += int((rows.faces > 1).sum())


class PoseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How the head was held where a face was measured. yaw, pitch, roll: degrees, see
    `workers.face.head_pose.HeadPose`; the 5th, 50th and 95th percentile, none where there is no
    face; turned: frames in which it was turned too far for comparing its halves."""

    yaw: tuple[float, ...]
    pitch: tuple[float, ...]
    roll: tuple[float, ...]
    turned: int


def pose_summary(poses: NDArray[np.float32]) -> PoseSummary:
    """poses: (n, 3) of all frames, NaN without a face."""
    seen = poses[np.isfinite(poses).all(axis=1)].astype(np.float64)
    yaw, pitch, roll = (_percentiles(angle) for angle in seen.T)
    turned = int((np.abs(seen[:, 0]) > TURNED_YAW).sum())
    return PoseSummary(yaw=yaw, pitch=pitch, roll=roll, turned=turned)


def _percentiles(angle: Floats) -> tuple[float, ...]:
    return tuple(np.percentile(angle, (5, 50, 95)).round(1).tolist()) if angle.size else ()


class RecordingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The recording itself. width, height: px, upright; start_time: s; missing_frames: promised by
    the container but not in the file; cut_short: the file ends before it should, whether or not its
    container says how many frames are lost; deinterlaced_frames: woven from two fields, of which
    the first was measured; all from codec on: RecordingFormat's."""

    source: str
    sha256: str
    width: int
    height: int
    rotation: int
    start_time: float
    time_base: str
    missing_frames: int
    cut_short: bool
    deinterlaced_frames: int
    codec: str
    pixel_format: str
    pixel_aspect: str
    transfer: str
    primaries: str
    hdr_peak: float | None
    times_sorted: bool
    times_filled: int


class MeasuredBy(msgspec.Struct, frozen=True, kw_only=True):
    """What measured some frames of a recording.

    precision: of the networks, `unknown` in an earlier version's chunks; arithmetic, libraries: see
    `workers.process.arithmetic`; files: the models' files that were run, with their checksums;
    trial: what the machine tried before it served; frames: [start, stop) of its chunks.
    """

    provider: str
    precision: str
    backend: Backend | None
    arithmetic: str
    libraries: dict[str, str]
    files: dict[str, str]
    trial: Trial | None
    frames: tuple[tuple[int, int], ...]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a recording was analysed. first_frame, last_frame: when the first frame of all and
    the last one were analysed, s since 1970 by the workers' clocks; frames_per_s: while all workers
    were at work, so without start-up, without the end, where some have nothing left to do, and
    without writing the outputs; 0 for a single frame."""

    first_frame: float
    last_frame: float
    frames_per_s: float


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The content of run.json.

    facemirror: the version that wrote the files; provider, precision, arithmetic: `mixed` where a
    study allows unlike ones, and measured_by names the frames of each; encoder: of the videos;
    warnings: what whoever uses the numbers must know.
    """

    facemirror: str
    recording: RecordingRecord
    settings: RunSettings
    provider: str
    precision: str
    arithmetic: str
    encoder: str
    measured_by: tuple[MeasuredBy, ...]
    weights: tuple[InstalledModel, ...]
    weights_are_official: bool
    au_sources: dict[str, str]
    confidence: str
    chunks: tuple[tuple[int, int], ...]
    counts: RowCounts
    head_pose: PoseSummary
    measures: MeasuresRecord
    stage_seconds: dict[str, float]
    stage_cpu_seconds: dict[str, float]
    timing: Timing
    warnings: tuple[str, ...] = ()


def run_record(
    plan: RecordingPlan,
    files: RecordingFiles,
    reports: list[ChunkReport],
    counts: RowCounts,
    head_pose: PoseSummary,
    au_sources: dict[str, str],
    measures: MeasuresRecord,
) -> RunRecord:
    """The record of a recording. reports: one for each chunk of the plan, in order; au_sources:
    how each AU was obtained."""
    measured_by = _measured_by(plan, reports)
    settings = plan.order.settings
    record = RunRecord(
        facemirror=version("facemirror"),
        recording=RecordingRecord(
            source=files.source,
            sha256=plan.sha256,
            width=plan.width,
            height=plan.height,
            rotation=plan.rotation,
            start_time=plan.start_pts * plan.numerator / plan.denominator,
            time_base=f"{plan.numerator}/{plan.denominator}",
            missing_frames=plan.missing,
            cut_short=plan.cut_short,
            deinterlaced_frames=sum(report.deinterlaced for report in reports),
            **msgspec.structs.asdict(plan.format),
        ),
        settings=settings,
        provider=_only(by.provider for by in measured_by),
        precision=_only(by.precision for by in measured_by),
        arithmetic=_only(by.arithmetic for by in measured_by),
        encoder=_only(report.encoder for report in reports),
        measured_by=measured_by,
        weights=reports[0].models,
        weights_are_official=all(m.official and not m.demo for m in reports[0].models),
        au_sources=au_sources,
        confidence=_confidence(settings),
        chunks=tuple((chunk.start, chunk.stop) for chunk in plan.chunks),
        counts=counts,
        head_pose=head_pose,
        measures=measures,
        stage_seconds=_summed(report.seconds for report in reports),
        stage_cpu_seconds=_summed(report.cpu_seconds for report in reports),
        timing=timing_of(reports, [chunk.frames for chunk in plan.chunks]),
    )
    return msgspec.structs.replace(record, warnings=tuple(_warnings(record)))


def timing_of(reports: Sequence[ChunkReport], frames: Sequence[int]) -> Timing:
    """When the frames of all chunks were analysed. frames: how many each chunk has."""
    first = min(report.first_frame for report in reports)
    last = max(report.last_frame for report in reports)
    workers = {report.worker for report in reports}
    began = max(min(r.first_frame for r in reports if r.worker == one) for one in workers)
    ended = min(max(r.last_frame for r in reports if r.worker == one) for one in workers)
    if ended <= began:  # they took turns
        began, ended = first, last
    counted = sum(map(_frames_between(began, ended), reports, frames))
    return Timing(
        first_frame=round(first, 3),
        last_frame=round(last, 3),
        frames_per_s=round(counted / (ended - began), 3) if ended > began else 0.0,
    )


def _frames_between(began: float, ended: float) -> Callable[[ChunkReport, int], float]:
    """How many of a chunk's frames were done after one moment and until another, if each but the
    first took the same time."""

    def count(report: ChunkReport, frames: int) -> float:
        first, last = report.first_frame, report.last_frame
        seconds = max(0.0, min(last, ended) - max(first, began))
        following = (frames - 1) * seconds / (last - first) if last > first else 0.0
        return following + (began < first <= ended)

    return count


def encode_run_record(record: RunRecord) -> bytes:
    """The record as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _measured_by(plan: RecordingPlan, reports: list[ChunkReport]) -> tuple[MeasuredBy, ...]:
    frames: dict[str, list[tuple[int, int]]] = {}
    for chunk, report in zip(plan.chunks, reports, strict=True):
        frames.setdefault(report.arithmetic, []).append((chunk.start, chunk.stop))
    by_arithmetic = {report.arithmetic: report for report in reports}
    return tuple(
        MeasuredBy(
            provider=by_arithmetic[arithmetic].provider,
            precision=_precision(by_arithmetic[arithmetic]),
            backend=by_arithmetic[arithmetic].backend,
            arithmetic=arithmetic,
            libraries=by_arithmetic[arithmetic].libraries,
            files=files_run(by_arithmetic[arithmetic].models),
            trial=by_arithmetic[arithmetic].trial,
            frames=tuple(spans),
        )
        for arithmetic, spans in sorted(frames.items())
    )


def _precision(report: ChunkReport) -> str:
    return "unknown" if report.backend is None else report.backend.precision


def _only(values: Iterable[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else "mixed"


def _warnings(record: RunRecord) -> list[str]:
    """One line each."""
    counts, found = record.counts, []
    if any(by.provider == SIMULATED for by in record.measured_by):
        found.append("SIMULATED: nothing was measured")
    if any(model.demo for model in record.weights):
        found.append("DEMO weights: these numbers measure nobody")
    elif not record.weights_are_official:
        files = ", ".join(model.source_file for model in record.weights if not model.official)
        found.append(f"made with weights that are not the published ones ({files})")
    for quantized in (v for m in record.weights for v in m.variants if v.kind == "int8"):
        found.append(
            f"INT8, less exact than float32: {quantized.file} drifts by {quantized.drift:.2f} "
            f"{quantized.unit}"
        )
    if len(record.measured_by) > 1:
        found.append("its frames were measured on unlike machines: see measured_by")
    found += _recording_warnings(record.recording)
    if counts.undecodable:
        found.append(f"{counts.undecodable} frames could not be decoded")
    if counts.without_face:
        found.append(f"{counts.without_face} of {counts.frames} frames have no face")
    turned = record.head_pose.turned
    if record.settings.analysis.faces == "mirrored" and turned > OFTEN * counts.measured:
        found.append(
            f"the head is turned by more than {TURNED_YAW:.0f} degrees in {turned} of "
            f"{counts.measured} frames: there its sides cannot be compared"
        )
    found += record.measures.warnings
    if counts.face_jumps:
        found.append(f"the face jumped {counts.face_jumps} times: is there a second person?")
    return found


def _recording_warnings(recording: RecordingRecord) -> list[str]:
    found = []
    if recording.missing_frames:
        found.append(f"{recording.missing_frames} frames are missing: the file is cut short")
    elif recording.cut_short:
        found.append("the file is cut short: an unknown number of frames at its end is lost")
    if recording.times_sorted:
        found.append("its times contradict the order of its frames: they were sorted into it")
    if recording.times_filled:
        filled = recording.times_filled
        found.append(f"{filled} frames had no time: theirs lie between their neighbours'")
    if recording.deinterlaced_frames:
        woven = recording.deinterlaced_frames
        found.append(f"{woven} frames are interlaced: half of their lines were measured")
    return found


def _confidence(settings: RunSettings) -> str:
    detector = "RetinaFace's face score in this frame"
    if settings.analysis.landmarks == "clnf68":
        return (
            "OpenFace 2's: (1 - c) / 2, c being the certainty of its tracker's validator; without "
            f"a validator {detector}"
        )
    said = detector
    if settings.analysis.landmarks == "star98":
        said += ", or STAR's mean point-map response where that is lower"
    if settings.analysis.fast:
        said += "; in a followed frame no higher than in the two that it was followed from"
    return said


def _summed(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    listed = list(parts)
    names = sorted({name for part in listed for name in part})
    return {n: round(float(np.sum([part.get(n, 0.0) for part in listed])), 3) for n in names}
