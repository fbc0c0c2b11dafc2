"""OpenFace 2's landmark models become one file, the same one every time."""

import hashlib
import io

import numpy as np
import pytest

from tests.stand_ins.landmark_models import dot_shapes, write_checkpoints
from tests.stand_ins.shape_models import written
from weights.clnf.files import LANDMARK_MODELS, NEEDED, VALIDATOR
from weights.clnf.packing import missing_files, packed
from weights.manifest import WeightsError, sha256_of


@pytest.fixture
def checkpoints(tmp_path):
    return write_checkpoints(tmp_path / "checkpoints")


def test_the_same_files_give_the_same_bytes_and_are_no_published_ones(checkpoints):
    first = packed(checkpoints)
    assert packed(checkpoints) == first
    assert first.validated
    assert not first.official


def test_the_archive_holds_plain_arrays(checkpoints):
    with np.load(io.BytesIO(packed(checkpoints).content), allow_pickle=False) as archive:
        arrays = dict(archive)
    assert arrays["format"] == 1
    for name, shape in dot_shapes().items():
        np.testing.assert_array_equal(arrays[f"{name}/shape/mean"].reshape(3, -1), shape.mean)
    assert [float(arrays[f"face/{scale}/scaling"]) for scale in range(3)] == [0.25, 0.35, 0.5]
    assert arrays["validator/1/centre"][1] == np.deg2rad(30.0)
    assert "face/3/scaling" not in arrays


def test_one_checksum_stands_for_all_sources(checkpoints):
    before = packed(checkpoints).sources
    lines = [
        f"{hashlib.sha256((checkpoints / 'openface2' / file).read_bytes()).hexdigest()}  {file}\n"
        for file in sorted([*NEEDED, VALIDATOR])
    ]
    assert before == hashlib.sha256("".join(lines).encode()).hexdigest()
    path = checkpoints / "openface2" / LANDMARK_MODELS["inner"].shape_model
    path.write_text(path.read_text() + "# changed\n")
    assert packed(checkpoints).sources != before


def test_models_without_a_validator_are_packed(checkpoints):
    (checkpoints / "openface2" / VALIDATOR).unlink()
    assert missing_files(checkpoints) == []
    made = packed(checkpoints)
    assert not made.validated
    with np.load(io.BytesIO(made.content)) as archive:
        assert not any(name.startswith("validator") for name in archive.files)


def test_missing_files_are_named(checkpoints, tmp_path):
    assert missing_files(tmp_path / "nowhere") == list(NEEDED)
    file = LANDMARK_MODELS["face"].patch_experts[1]
    (checkpoints / "openface2" / file).unlink()
    assert missing_files(checkpoints) == [file]


def test_a_shape_of_other_points_than_its_experts_is_refused(checkpoints):
    path = checkpoints / "openface2" / LANDMARK_MODELS["inner"].shape_model
    written(dot_shapes()["face"], path)
    with pytest.raises(WeightsError, match=r"pdm_51_inner\.txt does not fit landmarks/model_inner"):
        packed(checkpoints)


def test_files_with_the_published_checksums_are_official(checkpoints, monkeypatch):
    folder = checkpoints / "openface2"
    known = {file: sha256_of(folder / file) for file in [*NEEDED, VALIDATOR]}
    monkeypatch.setattr("weights.clnf.packing.published", lambda: known)
    assert packed(checkpoints).official
    with (folder / LANDMARK_MODELS["face"].shape_model).open("a") as file:
        file.write("# changed\n")
    assert not packed(checkpoints).official
