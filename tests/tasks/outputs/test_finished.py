"""When a recording's outputs count as finished: each of file, settings, weights and provider."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tasks.messages import (
    ChunkReport,
    ModelSum,
    RecordingFiles,
    RecordingOrder,
    RunSettings,
    VariantSum,
)
from tasks.outputs.finished import finished_before
from tasks.outputs.folder import written_names
from tasks.outputs.run_record import RowCounts, encode_run_record, pose_summary, run_record
from tests.tasks.outputs.test_run_record import MEASURES
from tests.tasks.plans import plan_of
from weights.manifest import InstalledModel, ModelVariant
from workers.chunk.order import AnalysisSettings
from workers.session.backends import Backend

SHA256 = "a" * 64
INSTALLED = InstalledModel(
    name="star98",
    file="star98.onnx",
    sha256="b" * 64,
    source_file="Landmark_98.pkl",
    source_sha256="c" * 64,
    official=True,
    converter="1.0",
    demo=False,
)
ORDER = RecordingOrder(
    id="s.00001",
    study="s",
    label="smile.mp4",
    files=None,
    settings=RunSettings(analysis=AnalysisSettings()),
    models=(ModelSum(INSTALLED.name, INSTALLED.file, INSTALLED.sha256),),
)


def order(**changed) -> RecordingOrder:
    return msgspec.structs.replace(ORDER, **changed)


def settings(**changed) -> RunSettings:
    return msgspec.structs.replace(ORDER.settings, **changed)


def analysis(**changed) -> RunSettings:
    return settings(analysis=replace(ORDER.settings.analysis, **changed))


def chunk_report(arithmetic: str, model: InstalledModel) -> ChunkReport:
    provider, *precision = arithmetic.partition("-")[0].split("_")
    return ChunkReport(
        provider=provider,
        backend=Backend(provider, *precision),
        arithmetic=arithmetic,
        libraries={},
        worker="facemirror@pc",
        models=(model,),
        seconds={},
    )


def write_outputs(
    folder: Path, made: RecordingOrder = ORDER, by=("cpu-avx2", "cpu-avx2"), model=INSTALLED
) -> RecordingFiles:
    """A recording's whole folder, as if made in two chunks by machines of these arithmetics."""
    files = RecordingFiles(source="/in/smile.mp4", output=str(folder), name="smile")
    plan = plan_of(made, sha256=SHA256)
    poses = pose_summary(np.zeros((20, 3), np.float32))
    reports = [chunk_report(arithmetic, model) for arithmetic in by]
    record = run_record(
        plan, files, reports, RowCounts(frames=20, measured=19), poses, {}, MEASURES
    )
    (folder / "smile").mkdir()
    for name in written_names("smile", made.settings.analysis):
        (folder / "smile" / name).touch()
    (folder / "smile" / "run.json").write_bytes(encode_run_record(record))
    return files


def test_the_same_again_is_finished(tmp_path):
    files = write_outputs(tmp_path)
    found = finished_before(ORDER, files, SHA256)
    assert found is not None
    assert (found.status, found.frames, found.measured, found.kept) == ("done", 20, 19, True)


def test_another_chunk_size_changes_no_number(tmp_path):
    files = write_outputs(tmp_path)
    assert finished_before(order(settings=settings(chunk_frames=7)), files, SHA256) is not None


def test_another_file_of_that_name_is_not_finished(tmp_path):
    assert finished_before(ORDER, write_outputs(tmp_path), "d" * 64) is None


@pytest.mark.parametrize(
    "changed",
    [
        settings(au_labels="face-mirror-1"),
        settings(rest=(1.0, 2.0)),
        analysis(flip=True),
        analysis(fast=True),
        analysis(debug_video=True),
        analysis(smoothing="face-mirror-1"),
        analysis(landmarks="pfld68"),
        analysis(aus="openface2"),
        analysis(aus="openface2", faces="original"),
    ],
)
def test_other_settings_are_not_finished(changed, tmp_path):
    files = write_outputs(tmp_path)
    for name in written_names("smile", changed.analysis):
        (tmp_path / "smile" / name).touch()  # so that no missing file decides
    assert finished_before(order(settings=changed), files, SHA256) is None


@pytest.mark.parametrize("wanted", ["d" * 64, None])
def test_other_weights_are_not_finished(wanted, tmp_path):
    files = write_outputs(tmp_path)
    models = (ModelSum("star98", "star98.onnx", wanted),) if wanted else ()
    assert finished_before(order(models=models), files, SHA256) is None


@pytest.mark.parametrize(("checksum", "kept"), [("f", True), ("e", False), (None, False)])
def test_a_kind_that_is_no_more_in_the_record_does_not_count(checksum, kept, tmp_path):
    kind = ModelVariant("fp16", "star98_fp16.onnx", "f" * 64, 1, 0.1, "px", "1")
    model = replace(INSTALLED, variants=(kind,))
    files = write_outputs(tmp_path, by=("coreml_fp16-m2", "coreml_fp16-m2"), model=model)
    kinds = (VariantSum("fp16", kind.file, checksum * 64),) if checksum else ()
    wanted = (msgspec.structs.replace(ORDER.models[0], variants=kinds),)
    assert (finished_before(order(models=wanted), files, SHA256) is not None) == kept


def test_demo_weights_never_count(tmp_path):
    files = write_outputs(tmp_path, model=replace(INSTALLED, official=False, demo=True))
    assert finished_before(ORDER, files, SHA256) is None


def test_weights_that_are_not_the_published_ones_count_for_themselves(tmp_path):
    files = write_outputs(tmp_path, model=replace(INSTALLED, official=False))
    assert finished_before(ORDER, files, SHA256) is not None


@pytest.mark.parametrize("asked", [None, "simulated", "cpu"])
def test_what_was_simulated_never_counts(asked, tmp_path):
    files = write_outputs(tmp_path, by=("simulated-x", "simulated-x"))
    assert finished_before(order(provider=asked), files, SHA256) is None


def test_simulated_chunks_among_real_ones_do_not_count(tmp_path):
    files = write_outputs(tmp_path, order(mix_providers=True), by=("cpu-avx2", "simulated-x"))
    assert finished_before(order(mix_providers=True), files, SHA256) is None


@pytest.mark.parametrize(("asked", "kept"), [(None, True), ("coreml", True), ("cpu", False)])
def test_a_provider_asked_for_by_name_must_have_measured(asked, kept, tmp_path):
    files = write_outputs(tmp_path, by=("coreml-m2", "coreml-m2"))
    assert (finished_before(order(provider=asked), files, SHA256) is not None) == kept


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("any", (True, True, False)),  # integers are less exact: they have to be asked for
        ("fp32", (True, False, False)),
        ("fp16", (False, True, False)),
        ("int8", (False, False, True)),
    ],
)
def test_a_precision_asked_for_must_have_measured(asked, kept, tmp_path):
    for by, is_kept in zip(("cpu-avx2", "coreml_fp16-m2", "cpu_int8-avx2"), kept, strict=True):
        folder = tmp_path / by
        folder.mkdir()
        files = write_outputs(folder, by=(by, by))
        assert (finished_before(order(precision=asked), files, SHA256) is not None) == is_kept


def test_precisions_that_were_mixed_are_neither(tmp_path):
    mixed = order(mix_providers=True)
    files = write_outputs(tmp_path, mixed, by=("cpu-avx2", "coreml_fp16-m2"))
    assert finished_before(mixed, files, SHA256) is not None
    for asked in ("fp32", "fp16"):
        wanted = order(mix_providers=True, precision=asked)
        assert finished_before(wanted, files, SHA256) is None


def test_an_earlier_versions_chunks_have_no_known_precision(tmp_path):
    files = write_outputs(tmp_path)
    path = tmp_path / "smile" / "run.json"
    record = msgspec.json.decode(path.read_bytes())
    for by in record["measured_by"]:
        by["precision"] = "unknown"
    path.write_bytes(msgspec.json.encode(record))
    assert finished_before(ORDER, files, SHA256) is not None
    assert finished_before(order(precision="fp32"), files, SHA256) is None


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({}, False),
        ({"mix_providers": True}, True),
        ({"mix_providers": True, "provider": "cpu"}, False),
    ],
)
def test_frames_of_unlike_providers_count_where_they_may_be_mixed(changed, kept, tmp_path):
    files = write_outputs(tmp_path, order(mix_providers=True), by=("cpu-avx2", "coreml-m2"))
    assert (finished_before(order(**changed), files, SHA256) is not None) == kept


@pytest.mark.parametrize("name", written_names("smile", AnalysisSettings()))
def test_a_missing_file_is_not_finished(name, tmp_path):
    files = write_outputs(tmp_path)
    (tmp_path / "smile" / name).unlink()
    assert finished_before(ORDER, files, SHA256) is None


def test_a_record_of_an_earlier_version_is_not_finished(tmp_path):
    files = write_outputs(tmp_path)
    (tmp_path / "smile" / "run.json").write_text('{"facemirror": "0.0.1"}')
    assert finished_before(ORDER, files, SHA256) is None
