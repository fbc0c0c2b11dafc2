"""The published files are those whose checksums this project knows."""

import shutil

import numpy as np

from tests.shared import shared
from weights import openface2
from weights.clnf import files
from weights.clnf.packing import missing_files, packed
from weights.manifest import CHECKPOINTS, sha256_of
from weights.openface2 import bundle
from workers.face.shape.shape_model import read_shape_model

WEIGHTS = shared("weights")


def test_the_published_files_are_known_and_read(published, tmp_path):
    for name in ("retinaface", "pfld68"):
        path = WEIGHTS / CHECKPOINTS[name].file
        assert sha256_of(path) == CHECKPOINTS[name].sha256
        assert path.stat().st_size == CHECKPOINTS[name].size
    assert len(openface2.published()) == 57
    for file, checksum in (openface2.published() | files.published()).items():
        assert sha256_of(published / "openface2" / file) == checksum, file
    shape = read_shape_model(published / "openface2" / openface2.SHAPE_MODEL)
    assert shape.modes.shape == (34, 3, 68)
    np.testing.assert_allclose(np.ptp(shape.mean[:2], axis=1), (144.769345, 139.838999))
    np.testing.assert_allclose(shape.variances[[0, -1]], (826.21, 0.58266), rtol=1e-4)
    aus = bundle(published)
    assert aus is not None
    assert aus.official
    assert aus.left_out == ()
    assert missing_files(published) == []
    made = packed(published)
    assert made.official
    assert made.validated
    assert 8e6 < len(made.content) < 10e6
    changed = shutil.copytree(published, tmp_path / "changed")
    with (changed / "openface2" / openface2.SHAPE_MODEL).open("a") as file:
        file.write("# changed\n")
    assert not packed(changed).official
    assert not bundle(changed).official
