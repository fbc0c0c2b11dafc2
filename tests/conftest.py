"""Stand-in checkpoints and the models converted from them, made once and kept between runs."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faces import copied
from tests.shared import shared

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"


@pytest.fixture(scope="session")
def checkpoints(pytestconfig, tmp_path_factory) -> Path:
    """The real RetinaFace, PFLD and OpenFace 2 files, and seeded STAR and MTL checkpoints."""
    pytest.importorskip("torch", reason="needs the extra 'convert'")
    recipe = shared("oracle", "make_checkpoints.py")
    pfld = shared("weights", "pfld_68.onnx")
    openface2 = shared("openface2", "model")
    landmarks = shared("openface2", "landmarks", "model")

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-B", recipe, folder], check=True)
        shutil.copyfile(pfld, folder / pfld.name)
        shutil.copytree(openface2, folder / openface2.parent.name)
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)
        shutil.copytree(landmarks, folder / openface2.parent.name / landmarks.parent.name)
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)

    return _made_once("checkpoints", [recipe, pfld], make, pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def weights_folder(checkpoints, pytestconfig, tmp_path_factory) -> Path:
    """A folder with every model, converted from the `checkpoints`."""
    pytest.importorskip("onnxscript", reason="needs the extra 'convert'")
    from weights.conversion import convert

    def make(folder: Path) -> None:
        convert(checkpoints, folder, emotion_gaze=True)

    made = sorted(path for path in checkpoints.rglob("*") if path.is_file())
    sources = [*sorted(WEIGHTS.rglob("*.py")), *made]
    return _made_once("weights", sources, make, pytestconfig, tmp_path_factory)


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory) -> Path:
    """60 frames of a real face, 640×480, with uneven times and a key frame every 15."""
    source = shared("media", "default.wmv")
    return copied(source, tmp_path_factory.mktemp("recordings") / "talking.wmv", 60)


def _made_once(
    name: str,
    sources: list[Path],
    make: Callable[[Path], None],
    config: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder that `make` fills; another one when a source changes."""
    digest = hashlib.sha256(Path(__file__).read_bytes())  # how they are made
    for source in sources:
        digest.update(source.read_bytes())
    cache = getattr(config, "cache", None)
    base = cache.mkdir("facemirror") if cache else tmp_path_factory.getbasetemp()
    folder = Path(base) / f"{name}-{digest.hexdigest()[:12]}"
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}-{os.getpid()}")
        unfinished.mkdir()
        make(unfinished)
        if folder.exists():  # another run was faster
            shutil.rmtree(unfinished)
        else:
            unfinished.rename(folder)
    return folder
