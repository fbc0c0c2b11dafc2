"""The manifest, weights.json and its checks; no torch here."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from weights import manifest
from weights.checked_files import CheckedFile
from weights.manifest import (
    CHECKPOINTS,
    MODELS,
    InstalledModel,
    ModelVariant,
    WeightsError,
    WeightsRecord,
    default_folder,
    read_record,
    sha256_of,
    variant_file,
    verify_model,
    verify_variant,
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


def with_kinds(folder: Path) -> InstalledModel:
    """A model that is recorded with two other kinds, one of them a folder."""
    model, variants = installed(folder), []
    for kind, batch in (("fp16", 4), ("coreml", 1)):
        path = folder / variant_file("star98", kind, batch)
        if kind == "coreml":
            (path / "Data" / "weights").mkdir(parents=True)
            (path / "Manifest.json").write_text("{}")
            (path / "Data" / "weights" / "weight.bin").write_bytes(b"numbers")
        else:
            path.write_bytes(b"a half network")
        variants.append(
            ModelVariant(kind, path.name, sha256_of(path), batch, 0.25, "px", "facemirror 1.2.3")
        )
    model = replace(model, variants=tuple(variants))
    write_record(folder, WeightsRecord().having(model))
    return model


def test_a_record_that_was_written_is_read_back(tmp_path):
    record = WeightsRecord().having(installed(tmp_path), installed(tmp_path, "mtl_aus"))
    path = write_record(tmp_path, record)
    assert path == tmp_path / "weights.json"
    assert read_record(tmp_path) == record
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted(
        ["mtl_aus.onnx", "star98.onnx", "weights.json"]
    )


def test_a_record_keeps_the_kinds_of_a_model(tmp_path):
    model = with_kinds(tmp_path)
    assert read_record(tmp_path).models["star98"] == model
    assert [one.file for one in model.variants] == ["star98_batch4_fp16.onnx", "star98.mlpackage"]
    assert model.variant("fp16", 4) == model.variants[0]
    assert model.variant("fp16") is None


def test_a_record_of_the_first_format_is_read(tmp_path):
    model = installed(tmp_path)
    path = write_record(tmp_path, WeightsRecord().having(model))
    content = json.loads(path.read_text())
    assert content["format"] == 2
    content["format"] = 1
    del content["models"]["star98"]["variants"]
    path.write_text(json.dumps(content))
    assert read_record(tmp_path).models == {"star98": model}
    assert verify_variant(tmp_path, "star98", "fp32") == tmp_path / "star98.onnx"


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
    with pytest.raises(
        WeightsError, match=r"Expected `bool`, got `str` - at `\$\[\.\.\.\]\.official`"
    ):
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


def test_a_checked_model_is_not_read_again_until_its_file_is_another_one(tmp_path, monkeypatch):
    model = installed(tmp_path)
    write_record(tmp_path, WeightsRecord().having(model))
    path = tmp_path / "star98.onnx"
    checked = [CheckedFile.as_it_is(path, model.sha256)]
    with monkeypatch.context() as nobody_reads:
        nobody_reads.delattr(manifest, "sha256_of")
        assert verify_model(tmp_path, "star98", checked) == model

    was = checked[0].changed
    content = path.read_bytes()
    changed = bytes([content[0] ^ 1]) + content[1:]
    path.write_bytes(changed)  # in its place, of its size
    os.utime(path, ns=(was + 1, was + 1))
    with pytest.raises(WeightsError, match="changed or damaged"):
        verify_model(tmp_path, "star98", checked)

    other = tmp_path / "other"
    other.write_bytes(changed)
    other.replace(path)  # as old as the one before
    os.utime(path, ns=(was, was))
    with pytest.raises(WeightsError, match="changed or damaged"):
        verify_model(tmp_path, "star98", checked)


def test_a_checked_file_that_the_record_wants_otherwise_is_refused(tmp_path):
    model = installed(tmp_path)
    checked = [CheckedFile.as_it_is(tmp_path / "star98.onnx", model.sha256)]
    write_record(tmp_path, WeightsRecord().having(replace(model, sha256="0" * 64)))
    with pytest.raises(WeightsError, match="changed or damaged"):
        verify_model(tmp_path, "star98", checked)


@pytest.mark.parametrize(("kind", "batch"), [("fp32", 1), ("fp16", 4), ("coreml", 1)])
def test_an_unchanged_kind_is_verified(tmp_path, kind, batch):
    with_kinds(tmp_path)
    path = verify_variant(tmp_path, "star98", kind, batch)
    assert path == tmp_path / variant_file("star98", kind, batch)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: (path / "Manifest.json").write_text("{ }"), "was changed or damaged"),
        (lambda path: (path / "added").write_text(""), "was changed or damaged"),
        (lambda path: (path / "Manifest.json").rename(path / "Data/other"), "was changed"),
        (shutil.rmtree, "is missing: type 'facemirror weights fetch"),
    ],
)
def test_a_changed_core_ml_package_is_refused(tmp_path, damage, said):
    with_kinds(tmp_path)
    damage(tmp_path / "star98.mlpackage")
    with pytest.raises(WeightsError, match=rf"star98\.mlpackage {said}"):
        verify_variant(tmp_path, "star98", "coreml")
    assert verify_variant(tmp_path, "star98", "fp16", 4)


def test_a_kind_that_is_not_in_the_record_is_refused_even_if_its_file_is_there(tmp_path):
    with_kinds(tmp_path)
    shutil.copyfile(tmp_path / "star98_batch4_fp16.onnx", tmp_path / "star98_fp16.onnx")
    with pytest.raises(WeightsError, match=r"star98_fp16\.onnx is not listed in weights\.json: it"):
        verify_variant(tmp_path, "star98", "fp16")


def test_a_kind_is_refused_where_the_model_itself_was_changed(tmp_path):
    with_kinds(tmp_path)
    (tmp_path / "star98.onnx").write_bytes(b"another network")
    with pytest.raises(WeightsError, match=r"star98\.onnx was changed"):
        verify_variant(tmp_path, "star98", "coreml")


def test_a_folders_checksum_is_that_of_its_list_of_checksums(tmp_path):
    """As `find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` prints it."""
    with_kinds(tmp_path)
    folder = tmp_path / "star98.mlpackage"
    files = ["Data/weights/weight.bin", "Manifest.json"]
    listed = "".join(f"{sha256_of(folder / name)}  ./{name}\n" for name in files)
    assert sha256_of(folder) == hashlib.sha256(listed.encode()).hexdigest()


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
