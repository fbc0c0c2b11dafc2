"""`facemirror weights`: exit codes, and one clear line for each error."""

import json
import shutil
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from ops.weights_commands import app
from tests.stand_ins.weights_folders import installed, write_own_models
from weights.manifest import (
    MODELS,
    ModelVariant,
    WeightsRecord,
    read_record,
    sha256_of,
    write_record,
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty default weights folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("FACEMIRROR_WEIGHTS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def every_model(tmp_path):
    """A weights folder with a file for every model, some of them made from published ones."""
    folder = tmp_path / "every-model"
    folder.mkdir()
    models = []
    for name, model in MODELS.items():
        (folder / model.file).write_bytes(name.encode())
        known = {"official": "retinaface" in name, "source_file": "Landmark_98.pkl"}
        models.append(installed(folder, name, **known))
    write_record(folder, WeightsRecord().having(*models))
    return folder


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_fetch_without_acceptance_is_wrong_use(home):
    done = run("fetch")
    assert done.exit_code == 2
    assert "add --accept-license" in done.stderr
    assert not home.exists()


def test_fetch_for_openface2_names_its_own_licence(home):
    done = run("fetch", "--aus", "openface2")
    assert done.exit_code == 2
    assert "OpenFace 2's models" in done.stderr
    assert not home.exists()


def test_fetch_that_cannot_reach_the_hub_fails_in_one_line(home, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    done = run("fetch", "--accept-license")
    assert done.exit_code == 1
    assert "Alignment_RetinaFace.pth could not be fetched" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("package", ["torch", "onnx", "onnxscript"])
def test_convert_without_its_extra_says_what_to_install(home, monkeypatch, package):
    for module in ("weights.conversion", "weights.export", "weights.graph", "weights.recipes"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    done = run("convert")
    assert done.exit_code == 1
    assert "pip install 'facemirror[convert]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_verify_accepts_unchanged_models_and_repeats_the_warning(every_model):
    done = run("verify", "--weights", every_model)
    assert done.exit_code == 0, done.output
    for model in MODELS.values():
        assert model.file in done.stdout
    assert "star98.onnx was made from a Landmark_98.pkl that is not the published" in done.stderr
    assert "retinaface" not in done.stderr


def test_verify_names_every_damaged_or_missing_model(every_model, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(every_model, folder)
    (folder / "mtl_aus.onnx").unlink()
    with (folder / "retinaface_face.onnx").open("ab") as file:
        file.write(b"\0")
    done = run("verify", "--weights", folder)
    assert done.exit_code == 1
    assert "mtl_aus.onnx is missing" in done.stderr
    assert "retinaface_face.onnx was changed or damaged" in done.stderr


def test_verify_calls_missing_what_is_missing_and_refused_what_was_changed(tmp_path):
    folder = write_own_models(tmp_path / "weights")
    (folder / "mtl_aus.onnx").unlink()
    with (folder / "retinaface_face.onnx").open("ab") as file:
        file.write(b"\0")
    done = run("verify", "--weights", folder)
    assert done.exit_code == 1
    states = {
        cells[2]: cells[3]
        for line in done.stdout.splitlines()
        if len(cells := [cell.strip() for cell in line.split("│")]) > 3
    }
    assert states == {
        "retinaface_frame.onnx": "unchanged",
        "retinaface_face.onnx": "refused",
        "star98.onnx": "unchanged",
        "mtl_aus.onnx": "missing",
    }


@pytest.fixture
def kinds(tmp_path):
    """Somebody's own models, STAR in float16 and, four faces at once, for Core ML, too."""
    folder = write_own_models(tmp_path / "weights")
    (folder / "star98_fp16.onnx").write_bytes(b"half")
    package = folder / "star98_batch4.mlpackage"
    package.mkdir()
    (package / "Manifest.json").write_text("{}")
    variants = tuple(
        ModelVariant(kind, path.name, sha256_of(path), batch, 0.444, "px", "tests")
        for kind, batch, path in (("fp16", 1, folder / "star98_fp16.onnx"), ("coreml", 4, package))
    )
    record = read_record(folder)
    write_record(folder, record.having(replace(record.models["star98"], variants=variants)))
    return folder


def cells(output):
    """The rows of a table's cells."""
    return [
        [cell.strip() for cell in line.split("│")][1:-1]
        for line in output.splitlines()
        if line.startswith("│")
    ]


def test_verify_and_list_show_the_kinds_of_a_model_and_how_far_each_drifts(kinds):
    done = run("verify", "--weights", kinds)
    assert done.exit_code == 0, done.output
    half = ["star98_fp16.onnx", "float16, drifts by 0.44 px"]
    core_ml = ["star98_batch4.mlpackage", "float16 for Core ML, 4 at once, drifts by 0.44 px"]
    for file, nature in (half, core_ml):
        assert ["", file, "unchanged", nature] in cells(done.stdout)
        assert ["", "", file, nature] in cells(run("list", "--weights", kinds).stdout)


def test_verify_names_a_damaged_and_a_missing_kind(kinds):
    (kinds / "star98_fp16.onnx").unlink()
    (kinds / "star98_batch4.mlpackage" / "Manifest.json").write_text("[]")
    done = run("verify", "--weights", kinds)
    assert done.exit_code == 1
    assert "star98_fp16.onnx is missing" in done.stderr
    assert "star98_batch4.mlpackage was changed or damaged" in done.stderr
    states = {row[1]: row[2] for row in cells(done.stdout)}
    assert states["star98_fp16.onnx"] == "missing"
    assert states["star98_batch4.mlpackage"] == "refused"
    assert states["star98.onnx"] == "unchanged"


def test_verify_does_not_ask_for_optional_models(home):
    done = run("verify")
    assert done.exit_code == 1
    assert "star98.onnx is missing" in done.stderr
    assert "pfld" not in done.output


def test_verify_for_openface2_asks_for_its_own_models(every_model, tmp_path):
    for name in ("retinaface_frame.onnx", "retinaface_face.onnx", "pfld_68.onnx"):
        (tmp_path / name).symlink_to(every_model / name)
    shutil.copyfile(every_model / "weights.json", tmp_path / "weights.json")
    done = run("verify", "--weights", tmp_path, "--aus", "openface2")
    assert done.exit_code == 1
    assert "openface2_aus.zip is missing" in done.stderr
    shutil.copyfile(every_model / "openface2_aus.zip", tmp_path / "openface2_aus.zip")
    record = json.loads((tmp_path / "weights.json").read_text())
    for name in ("star98", "mtl_aus", "mtl_emotion_gaze", "clnf68"):
        del record["models"][name]
    (tmp_path / "weights.json").write_text(json.dumps(record))
    done = run("verify", "--weights", tmp_path, "--aus", "openface2")
    assert done.exit_code == 0, done.output
    assert "star98" not in done.output


def test_verify_for_openface2_does_without_its_landmark_models_but_checks_them(home):
    done = run("verify", "--aus", "openface2")
    assert "openface2_aus.zip is missing" in done.stderr
    assert "clnf68" not in done.output
    home.mkdir()
    (home / "clnf68.npz").write_bytes(b"something")
    done = run("verify", "--aus", "openface2")
    assert "clnf68.npz is not listed in weights.json" in done.stderr
    assert "fetch --aus openface2 --accept-license" in done.stderr


def test_list_shows_what_is_installed(home, tmp_path):
    done = run("list")
    assert done.exit_code == 0
    assert done.stdout.count("not installed") == len(MODELS)


def test_a_damaged_record_is_one_line_and_no_traceback(home):
    home.mkdir()
    (home / "weights.json").write_text("{")
    for command in ("list", "verify"):
        done = run(command)
        assert done.exit_code == 1
        assert len(done.stderr.splitlines()) == 1
        assert "weights.json cannot be read" in done.stderr


def test_an_unknown_option_is_wrong_use():
    assert run("verify", "--nonsense").exit_code == 2
