"""`facemirror weights quantize`, and that nothing uses what it makes unless told to."""

import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.lab.worker import usable_weights
from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.recordings import Recipe, record
from tests.stand_ins.weights_folders import write_own_models
from weights.manifest import WeightsError, read_record, verify_variant


@pytest.fixture(scope="module")
def made(face_clip, tmp_path_factory):
    """A weights folder with a quantized STAR, and what the command said."""
    folder = write_own_models(tmp_path_factory.mktemp("int8") / "weights")
    done = facemirror("weights", "quantize", face_clip, "--weights", folder, "--frames", 60)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def measured(made, face_clip, tmp_path_factory):
    """The clip's outputs, in INT8 and as ever."""
    folder, _ = made
    runs = {}
    for name, options in {"int8": ("--precision", "int8"), "as ever": ()}.items():
        out = tmp_path_factory.mktemp("out")
        done = facemirror("run", face_clip, "--out", out, "--weights", folder, *options)
        assert done.returncode == 0, done.stderr
        runs[name] = (done.stderr, Outputs(out / face_clip.stem))
    return runs


def test_it_is_recorded_with_its_checksum_and_its_drift_on_held_frames(made):
    folder, said = made
    (variant,) = read_record(folder).models["star98"].variants
    assert (variant.kind, variant.batch) == ("int8", 1)
    assert verify_variant(folder, "star98", "int8") == folder / "star98_int8.onnx"
    assert 0 < variant.drift < 0.5
    assert "calibrating with 45 faces" in said
    assert f"landmarks {variant.drift:.2f} px from float32's on average" in said
    assert "on 15 held frames" in said
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_run_uses_it_where_it_is_asked_for_and_says_so_aloud(made, measured):
    (variant,) = read_record(made[0]).models["star98"].variants
    said, outputs = measured["int8"]
    run = outputs.run
    assert run["precision"] == "int8"
    assert "_int8-" in run["arithmetic"]
    (by,) = run["measured_by"]
    assert by["files"]["star98_int8.onnx"] == variant.sha256
    assert "star98.onnx" not in by["files"]
    assert "mtl_aus.onnx" in by["files"]
    (warning,) = (line for line in run["warnings"] if "INT8" in line)
    assert f"star98_int8.onnx drifts by {variant.drift:.2f} px" in warning
    assert warning in said


def test_nothing_uses_it_by_itself(measured):
    said, outputs = measured["as ever"]
    assert outputs.run["precision"] == "fp32"
    assert "int8" not in outputs.run["arithmetic"]
    assert "star98_int8.onnx" not in str(outputs.run["measured_by"])
    assert "INT8" not in said


def test_what_it_measures_is_near_float32_and_not_the_same(measured):
    here, there = (measured[name][1].aus("left") for name in ("int8", "as ever"))
    apart = np.abs(here - there)
    assert np.nanmax(apart) > 0
    assert np.nanmean(apart) < 0.02


def test_outputs_in_int8_are_not_taken_for_finished(made, measured, face_clip, tmp_path):
    folder = shutil.copytree(measured["int8"][1].folder.parent, tmp_path / "out")
    kept = facemirror(
        *("run", face_clip, "--out", folder, "--weights", made[0], "--precision", "int8")
    )
    assert "kept, finished before" in kept.stderr
    again = facemirror("run", face_clip, "--out", folder, "--weights", made[0])
    assert again.returncode == 0, again.stderr
    assert "kept, finished before" not in again.stderr
    assert Outputs(folder / face_clip.stem).run["precision"] == "fp32"


def test_a_worker_in_int8_serves_analyses_by_the_quantized_network_alone(made, phantom_weights):
    assert set(usable_weights(made[0], "int8")) == {("star98", "openface3")}
    with pytest.raises(WeightsError, match=r"no int8 kind of star98\.onnx"):
        usable_weights(phantom_weights, "int8")
    assert len(usable_weights(phantom_weights)) > 1


def test_a_quantized_model_that_was_changed_is_refused_with_what_to_type(made, tmp_path):
    folder = shutil.copytree(made[0], tmp_path / "weights")
    with (folder / "star98_int8.onnx").open("ab") as file:
        file.write(b"changed")
    again = f"type 'facemirror weights quantize RECORDINGS --weights {folder}'"
    with pytest.raises(WeightsError, match=f"was changed or damaged .*: {again}"):
        verify_variant(folder, "star98", "int8")
    (folder / "star98_int8.onnx").unlink()
    with pytest.raises(WeightsError, match=f"is missing: {again}"):
        verify_variant(folder, "star98", "int8")


@pytest.fixture
def quantize(face_clip, tmp_path, monkeypatch):
    """Type the command in a folder of its own, with a bound that its drift exceeds."""
    folder = write_own_models(tmp_path / "weights")
    monkeypatch.setattr("ops.quantizing.quantize.LARGEST_MEAN_PX", 0.001)

    def typed(*options):
        line = ["weights", "quantize", *options, "--weights", str(folder), "--frames", "60"]
        return folder, CliRunner().invoke(app, line)

    return typed


def test_a_model_that_drifts_too_far_is_not_kept_unless_told(quantize, face_clip):
    folder, refused = quantize(str(face_clip))
    assert refused.exit_code == 1
    assert "not kept: its landmarks drift by more than 0.001 px on average" in refused.output
    assert not (folder / "star98_int8.onnx").exists()
    assert read_record(folder).models["star98"].variants == ()
    _, kept = quantize(str(face_clip), "--anyway")
    assert kept.exit_code == 0, kept.output
    assert verify_variant(folder, "star98", "int8").exists()


def test_recordings_without_faces_are_refused_in_one_line(quantize, tmp_path):
    folder, done = quantize(str(record(tmp_path / "nobody.mp4", Recipe(frames=60))))
    assert done.exit_code == 1
    assert "0 of the frames to calibrate with show a face" in done.output
    assert "Traceback" not in done.output
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        path.name for path in write_own_models(tmp_path / "untouched").iterdir()
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), "no int8 kind of star98.onnx: type 'facemirror weights quantize RECORDINGS'"),
        (("--landmarks", "pfld68"), "--precision int8 is for --landmarks star98"),
    ],
)
def test_int8_that_is_not_there_is_refused_at_once(options, why, phantom_weights, tmp_path):
    film = shutil.copy(record(tmp_path / "film.mp4", Recipe(frames=3)), tmp_path / "copy.mp4")
    line = ("run", film, "--out", tmp_path / "out", "--weights", phantom_weights)
    done = facemirror(*line, "--precision", "int8", *options)
    assert done.returncode == 2
    assert why in done.stderr
