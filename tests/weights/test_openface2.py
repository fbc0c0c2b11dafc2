"""OpenFace 2's files: their checksums, their list, and the one file they become."""

import zipfile

import pytest

from tests.stand_ins.openface2 import write_openface2
from weights.manifest import WeightsError, sha256_of
from weights.openface2 import (
    AU_LIST,
    SHAPE_MODEL,
    bundle,
    listed_models,
    needed_files,
    place_on_github,
    published,
)


@pytest.fixture
def checkpoints(tmp_path):
    """A checkpoints folder with stand-ins for OpenFace 2's files."""
    folder = tmp_path / "checkpoints"
    write_openface2(folder)
    return folder


@pytest.fixture
def as_published(checkpoints, monkeypatch):
    """The stand-ins' checksums are the published ones."""
    folder = checkpoints / "openface2"
    known = {
        file: sha256_of(folder / file) if (folder / file).is_file() else checksum
        for file, checksum in published().items()
    }
    monkeypatch.setattr("weights.openface2.published", lambda: known)


def test_a_list_is_read_line_by_line():
    text = "svm/AU_1.dat AU01\r\nsvr\\AU_1.dat AU01\n\nsvm/AU_45.dat AU45"
    assert listed_models(text) == [
        ("svm/AU_1.dat", "AU01"),
        ("svr/AU_1.dat", "AU01"),
        ("svm/AU_45.dat", "AU45"),
    ]


def test_files_lie_where_openfaces_tag_has_them():
    root = "TadasBaltrusaitis/OpenFace/OpenFace_2.2.0/lib/local"
    assert place_on_github(SHAPE_MODEL).startswith(f"{root}/LandmarkDetector/model/pdms/In-the")
    assert place_on_github(AU_LIST) == f"{root}/FaceAnalyser/AU_predictors/AU_all_best.txt"
    assert (
        place_on_github("tris_68_full.txt") == f"{root}/FaceAnalyser/AU_predictors/tris_68_full.txt"
    )


def test_a_listed_model_without_a_known_checksum_is_left_out():
    text = "svm_combined/AU_28_static.dat AU28\nsvm_combined/AU_99_new.dat AU99"
    needed, left_out = needed_files(text)
    assert "AU_predictors/svm_combined/AU_28_static.dat" in needed
    assert left_out == ["AU_predictors/svm_combined/AU_99_new.dat"]


def test_the_bundle_holds_what_the_list_names_unchanged_and_always_the_same(
    as_published, checkpoints, tmp_path
):
    made = bundle(checkpoints)
    assert made.official
    assert made.left_out == ()
    assert bundle(checkpoints).content == made.content
    path = tmp_path / "bundle.zip"
    path.write_bytes(made.content)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) == 35 + 3
        for name in archive.namelist():
            assert archive.read(name) == (checkpoints / "openface2" / name).read_bytes()


def test_a_changed_file_makes_it_unofficial(as_published, checkpoints):
    assert bundle(checkpoints).official
    with (checkpoints / "openface2" / SHAPE_MODEL).open("a") as file:
        file.write("# changed\n")
    assert not bundle(checkpoints).official


def test_a_missing_file_is_named_with_what_to_type(checkpoints):
    (checkpoints / "openface2" / "tris_68_full.txt").unlink()
    with pytest.raises(WeightsError, match=r"lacks tris_68_full\.txt: type 'facemirror weights"):
        bundle(checkpoints)


def test_without_a_list_there_is_no_bundle(tmp_path):
    assert bundle(tmp_path) is None
