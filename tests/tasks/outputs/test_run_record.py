"""What run.json says of head pose, of who measured, and what it warns of."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from ops.studies.submission import model_sums
from tasks.messages import (
    ChunkReport,
    ModelSum,
    RecordingFiles,
    RecordingOrder,
    RecordingPlan,
    RunSettings,
)
from tasks.outputs.folder import OutputError, require_one_arithmetic
from tasks.outputs.measures.record import MeasuresRecord, RulerRecord
from tasks.outputs.run_record import (
    RowCounts,
    Timing,
    encode_run_record,
    pose_summary,
    run_record,
    timing_of,
)
from tests.tasks.plans import plan_of
from weights.manifest import InstalledModel, ModelVariant
from workers.chunk.order import AnalysisSettings
from workers.session.backends import CPU, INT8, Backend
from workers.session.trial.figures import Attempt, Trial

FILES = RecordingFiles(source="/a/smile.mp4", output="/out", name="smile")
HERE = {"numpy": "2.4.6", "av": "18.1.0"}
ANALYSIS = AnalysisSettings(landmarks="pfld68")
MEASURES = MeasuresRecord(
    ruler=RulerRecord(
        unit="mm", made_of="irises", px_per_unit=(), frames=20, spread=0.0, pupils_apart=None
    ),
    inferred_irises=(0, 0),
    shut_eyes=(0, 0),
    rest=None,
    movements=0,
    warnings=("the irises' size varies",),
)


def plan(analysis=ANALYSIS, mix_providers=False) -> RecordingPlan:
    order = RecordingOrder(
        id="s.00001",
        study="s",
        label="smile.mp4",
        files=FILES,
        settings=RunSettings(analysis=analysis),
        models=(),
        mix_providers=mix_providers,
    )
    return plan_of(order)


def report(arithmetic="cpu-x86_64_avx2-00000000", libraries=HERE) -> ChunkReport:
    return ChunkReport(
        provider="cpu",
        arithmetic=arithmetic,
        libraries=libraries,
        worker="facemirror@pc",
        models=(),
        seconds={},
    )


def record(yaw=0.0, analysis=ANALYSIS, reports=None):
    poses = np.tile([yaw, 2.0, -3.0], (20, 1)).astype(np.float32)
    counts = RowCounts(frames=20, measured=20)
    reports = reports or [report(), report()]
    return run_record(
        plan(analysis, mix_providers=True),
        FILES,
        reports,
        counts,
        pose_summary(poses),
        {},
        MEASURES,
    )


def test_the_pose_is_summed_up_over_the_frames_with_a_face():
    poses = np.full((101, 3), np.nan, np.float32)
    poses[:100] = np.arange(100)[:, None] * [0.2, -0.1, 1.0]
    summary = pose_summary(poses)
    assert summary.yaw == pytest.approx((1.0, 9.9, 18.8), abs=0.05)
    assert summary.pitch == pytest.approx((-9.4, -5.0, -0.5), abs=0.05)
    assert summary.roll == pytest.approx((5.0, 49.5, 94.0), abs=0.1)
    assert summary.turned == 49


def test_a_recording_without_a_face_has_no_pose():
    summary = pose_summary(np.full((5, 3), np.nan, np.float32))
    assert (summary.yaw, summary.pitch, summary.roll, summary.turned) == ((), (), (), 0)


@pytest.mark.parametrize(("yaw", "warned"), [(9.0, False), (12.0, True), (-12.0, True)])
def test_a_head_that_is_turned_too_far_for_mirroring_is_warned_of(yaw, warned):
    said = "by more than 10 degrees in 20 of 20 frames"
    assert any(said in warning for warning in record(yaw).warnings) == warned


def test_a_face_as_filmed_may_be_turned():
    original = replace(ANALYSIS, aus="openface2", faces="original")
    assert not any("degrees" in warning for warning in record(30.0, original).warnings)


def test_a_part_of_the_frames_may_be_turned():
    poses = np.zeros((20, 3), np.float32)
    poses[:5, 0] = 45.0
    counts = RowCounts(frames=20, measured=20)
    reports = [report(), report()]
    few = run_record(plan(), FILES, reports, counts, pose_summary(poses), {}, MEASURES)
    poses[5, 0] = 45.0
    many = run_record(plan(), FILES, reports, counts, pose_summary(poses), {}, MEASURES)
    assert not any("degrees" in warning for warning in few.warnings)
    assert any("in 6 of 20 frames" in warning for warning in many.warnings)


def test_the_libraries_are_those_of_the_machines_that_measured():
    there = {"numpy": "0.0.1", "av": "0.0.2"}
    made = record(reports=[report(), report("cpu-x86_64_avx512-11111111", there)])
    assert made.arithmetic == "mixed"
    assert [by.libraries for by in made.measured_by] == [HERE, there]
    assert [by.frames for by in made.measured_by] == [((0, 10),), ((10, 20),)]
    assert any("unlike machines" in warning for warning in made.warnings)
    assert record().arithmetic == report().arithmetic


def timed(first: float, last: float, worker: str = "facemirror@pc") -> ChunkReport:
    return msgspec.structs.replace(report(), first_frame=first, last_frame=last, worker=worker)


def test_the_pace_of_one_worker_is_that_from_the_first_frame_to_the_last():
    made = timing_of([timed(105.0, 109.5), timed(100.0, 104.5)], [10, 10])
    assert made == Timing(first_frame=100.0, last_frame=109.5, frames_per_s=2.0)
    assert timing_of([timed(5.0, 5.0)], [1]).frames_per_s == 0.0


def test_the_pace_of_several_is_that_while_all_are_at_work():
    # Each does a frame a second; one begins later, and the other has nothing to do from 109 on.
    made = timing_of([timed(100.0, 109.0, "one@pc"), timed(104.0, 123.0, "other@pc")], [10, 20])
    assert made == Timing(first_frame=100.0, last_frame=123.0, frames_per_s=2.0)


def test_the_pace_of_workers_that_took_turns_is_that_of_the_whole():
    made = timing_of([timed(100.0, 109.0, "one@pc"), timed(110.0, 119.0, "other@pc")], [10, 10])
    assert made.frames_per_s == 1.0


def test_a_recording_of_two_arithmetics_is_refused_unless_asked_for():
    reports = [report(), report("cpu-x86_64_avx512-11111111")]
    with pytest.raises(OutputError, match=r"unlike machines .*avx2.*avx512"):
        require_one_arithmetic(plan(), reports)
    require_one_arithmetic(plan(mix_providers=True), reports)
    require_one_arithmetic(plan(), [report(), report()])


def test_a_recording_of_two_encoders_is_refused_even_where_machines_may_be_mixed():
    reports = [report(), msgspec.structs.replace(report(), encoder="videotoolbox")]
    with pytest.raises(OutputError, match=r"unlike encoders \(videotoolbox, x264\)"):
        require_one_arithmetic(plan(mix_providers=True), reports)


def test_the_encoder_is_named():
    assert record().encoder == "x264"
    hardware = [msgspec.structs.replace(report(), encoder="videotoolbox")] * 2
    assert record(reports=hardware).encoder == "videotoolbox"


STAR = InstalledModel(
    name="star98",
    file="star98.onnx",
    sha256="1" * 64,
    source_file="Landmark_98.pkl",
    source_sha256="2" * 64,
    official=True,
    converter="0.1.0",
    demo=False,
)


def plan_for_star(mix_providers=False) -> RecordingPlan:
    made = plan(mix_providers=mix_providers)
    models = (ModelSum(STAR.name, STAR.file, STAR.sha256),)
    return msgspec.structs.replace(made, order=msgspec.structs.replace(made.order, models=models))


def report_with(*models: InstalledModel) -> ChunkReport:
    return msgspec.structs.replace(report(), models=models)


@pytest.mark.parametrize(
    "other",
    [
        report_with(replace(STAR, sha256="3" * 64)),
        report_with(),
        report_with(STAR, replace(STAR, name="mtl_aus")),
    ],
    ids=["changed", "missing", "added"],
)
@pytest.mark.parametrize("mix_providers", [False, True])
def test_a_chunk_analysed_with_other_weights_is_refused_mixed_or_not(other, mix_providers):
    named = "mtl_aus" if len(other.models) == 2 else "star98"
    wanted = plan_for_star(mix_providers)
    require_one_arithmetic(wanted, [report_with(STAR), report_with(STAR)])
    with pytest.raises(OutputError, match=rf"facemirror@pc used other weights .*\({named}\)"):
        require_one_arithmetic(wanted, [report_with(STAR), other])


FP16 = ModelVariant("fp16", "star98_fp16.onnx", "4" * 64, 1, 0.1, "px", "1")
FOUR = replace(FP16, file="star98_batch4_fp16.onnx", sha256="5" * 64, batch=4)
HALVES = Backend("coreml", "fp16", units="CPU_AND_NE", star_batch=4)


def plan_with_kinds(**changed) -> RecordingPlan:
    """Its record has both kinds of STAR."""
    made = plan_for_star()
    models = model_sums([replace(STAR, variants=(FP16, FOUR))])
    return msgspec.structs.replace(
        made, order=msgspec.structs.replace(made.order, models=models, **changed)
    )


def report_by(backend, *variants: ModelVariant) -> ChunkReport:
    made = report_with(replace(STAR, variants=variants))
    return msgspec.structs.replace(made, provider=backend.provider, backend=backend)


def test_kinds_of_the_studys_record_may_be_used():
    require_one_arithmetic(plan_with_kinds(), [report_by(HALVES, FP16, FOUR)])
    require_one_arithmetic(plan_with_kinds(precision="fp16"), [report_by(HALVES, FP16, FOUR)])
    require_one_arithmetic(plan_with_kinds(precision="fp32"), [report_by(CPU)])


@pytest.mark.parametrize(
    "strange",
    [replace(FP16, sha256="6" * 64), replace(FP16, kind="coreml"), replace(FP16, batch=2)],
)
def test_a_chunk_analysed_with_a_kind_that_is_not_in_the_record_is_refused(strange):
    refused = rf"facemirror@pc used kinds .* not in the study's record \(star98 \({strange.kind}"
    with pytest.raises(OutputError, match=refused):
        require_one_arithmetic(plan_with_kinds(), [report_by(HALVES, strange)])


def test_a_chunk_of_another_precision_than_asked_for_is_refused():
    with pytest.raises(OutputError, match="facemirror@pc measured in fp16, not in fp32"):
        require_one_arithmetic(plan_with_kinds(precision="fp32"), [report_by(HALVES, FP16)])
    with pytest.raises(OutputError, match="measured in fp32, not in fp16"):
        require_one_arithmetic(plan_with_kinds(precision="fp16"), [report_by(CPU)])


def test_a_chunk_in_integers_is_refused_where_nobody_asked_for_them():
    made = replace(FP16, kind="int8", file="star98_int8.onnx")
    wanted = plan_with_kinds()
    models = model_sums([replace(STAR, variants=(made,))])
    wanted = msgspec.structs.replace(
        wanted, order=msgspec.structs.replace(wanted.order, models=models)
    )
    with pytest.raises(OutputError, match="facemirror@pc measured in int8, not in any"):
        require_one_arithmetic(wanted, [report_by(INT8, made)])


def test_run_json_names_kind_and_checksum_of_what_was_run_and_the_trial():
    trial = Trial(chosen=HALVES, attempts=(Attempt(backend=HALVES, why_not=""),))
    made = msgspec.structs.replace(report_by(HALVES, FP16, FOUR), trial=trial)
    written = msgspec.json.decode(encode_run_record(record(reports=[made, made])))
    (by,) = written["measured_by"]
    assert by["files"] == {FP16.file: FP16.sha256, FOUR.file: FOUR.sha256}
    assert (written["precision"], by["precision"]) == ("fp16", "fp16")
    assert by["backend"]["units"] == "CPU_AND_NE"
    assert by["trial"]["attempts"][0]["backend"] == by["backend"]
    assert [one["kind"] for one in written["weights"][0]["variants"]] == ["fp16", "fp16"]
    plain = record(reports=[report_by(CPU), report_by(CPU)])
    assert plain.measured_by[0].files == {STAR.file: STAR.sha256}
    assert (plain.precision, plain.measured_by[0].trial) == ("fp32", None)


def test_the_settings_say_how_the_midline_was_found():
    built = msgspec.to_builtins(record().settings)
    assert built["analysis"]["smoothing"] == "none"


def test_what_the_clinical_measures_warn_of_is_warned_of():
    assert MEASURES.warnings[0] in record().warnings


def test_the_kinds_of_a_model_travel_and_reports_without_any_are_read():
    half = ModelVariant("fp16", "star98_fp16.onnx", "4" * 64, 1, 0.25, "px", "facemirror 0.1.0")
    sent = report_with(replace(STAR, variants=(half,)))
    content = msgspec.json.encode(sent)
    assert msgspec.json.decode(content, type=ChunkReport) == sent
    earlier = msgspec.json.decode(content)
    del earlier["models"][0]["variants"]
    assert msgspec.convert(earlier, ChunkReport) == report_with(STAR)
