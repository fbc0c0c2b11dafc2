"""`facemirror run --precision`: a kind proves itself before it serves, and run.json names it.

The float16 kinds are stand-ins: float32 files under their names.
"""

import subprocess
from pathlib import Path

import pytest

from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.recordings import Recipe, record
from tests.stand_ins.kinds import write_kinds
from tests.stand_ins.weights_folders import write_own_models
from weights.manifest import read_record, sha256_of

TRYING = "finding out what runs the models best on this machine"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on one recording, with a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))  # where a Mac's cache is
    recording = record(tmp_path / "nobody.mp4", Recipe(frames=12))

    def run_it(weights: Path, *options: object) -> "subprocess.CompletedProcess[str]":
        line = ("run", recording, "--out", tmp_path / "out", "--weights", weights, "--workers", 1)
        return facemirror(*line, "--provider", "cpu", *options)

    return run_it


def test_float16_serves_where_it_is_asked_for_after_it_was_proved(run, tmp_path):
    own = write_own_models(tmp_path / "own")
    weights = write_kinds(own, tmp_path / "weights", without=("retinaface_frame",))
    first = run(weights, "--precision", "fp16")
    assert first.returncode == 0, first.stderr
    assert TRYING in first.stderr
    assert "provider 'cpu' (onnxruntime, fp16): right, " in first.stderr
    written = Outputs(tmp_path / "out" / "nobody").run
    assert written["precision"] == "fp16"
    (by,) = written["measured_by"]
    assert by["arithmetic"].startswith("cpu_fp16-")
    files = [variant.file for m in read_record(weights).models.values() for variant in m.variants]
    files.append("retinaface_frame.onnx")  # its float16 kind is not offered, and the CPU runs it
    assert by["files"] == {file: sha256_of(weights / file) for file in files}
    assert [one["backend"]["kind"] for one in by["trial"]["attempts"]] == ["fp32", "fp16"]
    assert all(one["why_not"] == "" for one in by["trial"]["attempts"])

    forced = run(weights, "--precision", "fp16", "--force")
    assert TRYING not in forced.stderr  # it is remembered
    assert "nobody: 12 frames done" in forced.stderr
    kept = run(weights)
    assert TRYING not in kept.stderr  # there is nothing to choose
    assert "nobody: 12 frames kept" in kept.stderr
    anew = run(weights, "--precision", "fp32")
    assert "nobody: 12 frames done" in anew.stderr
    written = Outputs(tmp_path / "out" / "nobody").run
    assert (written["precision"], written["measured_by"][0]["trial"]) == ("fp32", None)
    assert "nobody: 12 frames kept" in run(weights, "--precision", "fp32").stderr


def test_a_kind_that_is_wrong_is_named_and_not_used(run, tmp_path):
    own = write_own_models(tmp_path / "own")
    weights = write_kinds(own, tmp_path / "weights", points_off=0.8)
    refused = run(weights, "--precision", "fp16")
    assert refused.returncode == 2
    assert "(onnxruntime, fp16): it is wrong: star98's points, px are 0.8 off" in refused.stderr
    assert not (tmp_path / "out" / "nobody").exists()
    assert run(weights).returncode == 0
    assert Outputs(tmp_path / "out" / "nobody").run["precision"] == "fp32"


def test_a_kind_that_was_changed_is_not_used(run, tmp_path):
    weights = write_kinds(write_own_models(tmp_path / "own"), tmp_path / "weights")
    with (weights / "star98_fp16.onnx").open("ab") as file:
        file.write(b"!")
    refused = run(weights, "--precision", "fp16")
    assert refused.returncode == 2
    assert "star98_fp16.onnx was changed or damaged" in refused.stderr


def test_weights_without_the_kind_are_refused_with_what_to_type(run, tmp_path):
    refused = run(write_own_models(tmp_path / "own"), "--precision", "fp16")
    assert refused.returncode == 2
    assert "these weights have no fp16 kind of retinaface_frame.onnx" in refused.stderr
    assert "facemirror weights convert" in refused.stderr
