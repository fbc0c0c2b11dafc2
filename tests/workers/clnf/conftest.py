"""Landmark models that know faces drawn as dots, as a weights folder holds them."""

import pytest

from tests.stand_ins.landmark_models import write_checkpoints
from weights.clnf.packing import packed
from workers.clnf.model_file import load_landmark_models


@pytest.fixture(scope="session")
def dot_models_file(tmp_path_factory):
    """The packed file."""
    folder = tmp_path_factory.mktemp("dots")
    path = folder / "clnf68.npz"
    path.write_bytes(packed(write_checkpoints(folder / "checkpoints")).content)
    return path


@pytest.fixture(scope="session")
def dot_models(dot_models_file):
    return load_landmark_models(dot_models_file)
