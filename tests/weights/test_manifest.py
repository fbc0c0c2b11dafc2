"""The manifest, weights.json and its checks; no torch here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from weights.manifest import (
    CHECKPOINTS,
    MODELS,
    InstalledModel,
    WeightsError,
    WeightsRecord,
    default_folder,
    read_record,
    sha256_of,
    verify_model,
    write_record,
)


def installed(folder: Path, name: str = "star98") -> InstalledModel:
    """A model file with some bytes, as a record describes it."""
    path = folder / MODELS[name].file
    path.write_bytes(b"a network")
    return InstalledModel(
        name=name,
        file=path.name,
        sha256=sha256_of(path),
        source_file="Landmark_98.pkl",
        source_sha256="0" * 64,
        official=False,
        converter="1.2.3",
        demo=True,
    )


def test_a_record_that_was_written_is_read_back(tmp_path):
    record = WeightsRecord().having(installed(tmp_path), installed(tmp_path, "mtl_aus"))
    path = write_record(tmp_path, record)
    assert path == tmp_path / "weights.json"
    assert read_record(tmp_path) == record
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted(
        ["mtl_aus.onnx", "star98.onnx", "weights.json"]
    )


def test_an_absent_record_is_an_empty_one(tmp_path):
    assert read_record(tmp_path) == WeightsRecord()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": 99, "models": {}}',
        '{"format": 1, "models": {"star98": {"file": "star98.onnx"}}}',
        '{"format": 1, "models": {"star98": 5}}',
    ],
)
def test_a_damaged_record_is_refused_by_name(tmp_path, text):
    (tmp_path / "weights.json").write_text(text)
    with pytest.raises(WeightsError, match=r"weights\.json cannot be read .*delete it"):
        read_record(tmp_path)


def test_a_record_with_a_wrong_type_is_refused(tmp_path):
    path = write_record(tmp_path, WeightsRecord().having(installed(tmp_path)))
    content = json.loads(path.read_text())
    content["models"]["star98"]["official"] = "yes"
    path.write_text(json.dumps(content))
    with pytest.raises(WeightsError, match="official is 'yes'"):
        read_record(tmp_path)


def test_an_unchanged_model_is_verified(tmp_path):
    model = installed(tmp_path)
    write_record(tmp_path, WeightsRecord().having(model))
    assert verify_model(tmp_path, "star98") == model


def test_a_missing_model_is_named_with_what_to_type(tmp_path):
    with pytest.raises(WeightsError, match=r"star98\.onnx is missing: type 'facemirror weights"):
        verify_model(tmp_path, "star98")


def test_a_model_outside_the_record_is_refused(tmp_path):
    installed(tmp_path)
    with pytest.raises(WeightsError, match=r"star98\.onnx is not listed in weights\.json"):
        verify_model(tmp_path, "star98")


def test_a_corrupted_model_is_refused(tmp_path):
    write_record(tmp_path, WeightsRecord().having(installed(tmp_path)))
    (tmp_path / "star98.onnx").write_bytes(b"another network")
    with pytest.raises(WeightsError, match=r"star98\.onnx was changed or damaged"):
        verify_model(tmp_path, "star98")


def test_an_unknown_model_name_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(WeightsError, match="no model 'yolo': choose from retinaface_frame"):
        verify_model(tmp_path, "yolo")


@pytest.mark.parametrize("name", ["pfld68", "openface2_aus", "clnf68"])
def test_what_openface2_needs_is_fetched_for_it(tmp_path, name):
    with pytest.raises(WeightsError, match="fetch --aus openface2 --accept-license', then"):
        verify_model(tmp_path, name)


def test_the_environment_chooses_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("FACEMIRROR_WEIGHTS", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("FACEMIRROR_WEIGHTS")
    assert default_folder().name == "facemirror"


def test_every_model_is_made_from_a_known_checkpoint():
    assert {model.checkpoint for model in MODELS.values()} == {
        *CHECKPOINTS,
        "openface2",
        "openface2_landmarks",
    }


def test_the_manifest_imports_nothing_heavy():
    script = (
        "import sys, weights.manifest; weights.manifest.default_folder();"
        "heavy = {'numpy', 'torch', 'onnx', 'onnxruntime', 'cv2'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)
