"""Real recordings, and the published models where they are at hand."""

import shutil
from pathlib import Path

import pytest

from tests.shared import shared
from weights.manifest import CHECKPOINTS, MODELS, RECORD_FILE, read_record, write_record


@pytest.fixture(scope="session")
def office() -> Path:
    """288 frames, 640×480, of one person who talks and moves."""
    return shared("media", "default.wmv")


@pytest.fixture(scope="session")
def published(made_once) -> Path:
    """A checkpoints folder: the published RetinaFace, PFLD and all of OpenFace 2's models."""
    weights, openface2 = shared("weights"), shared("openface2")

    def make(folder: Path) -> None:
        for name in ("retinaface", "pfld68"):
            shutil.copyfile(weights / CHECKPOINTS[name].file, folder / CHECKPOINTS[name].file)
        copied = {"model": folder / "openface2", "landmarks/model": folder / "openface2/landmarks"}
        for place, copy in copied.items():
            for path in (openface2 / place).rglob("*.*"):
                if path.is_file():
                    kept = copy / path.relative_to(openface2 / place)
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, kept)

    return made_once("published", [], make)


@pytest.fixture(scope="session")
def published_weights(published, weights_folder, made_once) -> Path:
    """Every model converted from the published files, STAR and MTL from seeded stand-ins."""
    from weights.conversion import convert
    from weights.kinds import making

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(making, "BATCHES", {})
            convert(published, folder)
        stand_ins = read_record(weights_folder).models
        seeded = [stand_ins[name] for name in ("star98", "mtl_aus", "mtl_emotion_gaze")]
        for model in seeded:
            shutil.copyfile(weights_folder / model.file, folder / model.file)
            for kind in model.variants:
                made, copied = weights_folder / kind.file, folder / kind.file
                (shutil.copytree if made.is_dir() else shutil.copyfile)(made, copied)
        write_record(folder, read_record(folder).having(*seeded))

    made = [weights_folder / model.file for model in MODELS.values()] + [
        weights_folder / RECORD_FILE
    ]
    return made_once("published-weights", made, make)
