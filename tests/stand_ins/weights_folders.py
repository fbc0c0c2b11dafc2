"""Weights folders that need no torch to be made: they read the phantom."""

import shutil
from dataclasses import replace
from pathlib import Path

from tests.stand_ins.landmark_models import write_checkpoints
from tests.stand_ins.openface2 import face_shape, write_openface2
from tests.stand_ins.pfld import write_pfld
from weights.clnf.packing import packed
from weights.manifest import (
    DEMO_FOLDER,
    MODELS,
    InstalledModel,
    WeightsRecord,
    read_record,
    sha256_of,
    write_record,
)
from weights.openface2 import bundle


def write_phantom_weights(folder: Path) -> None:
    """The demo models, and stand-ins for PFLD and OpenFace 2's models beside them.

    None of them is marked as a demo, so that commands take them without being told to.
    """
    write_own_models(folder)
    write_pfld(folder)
    checkpoints = folder / "checkpoints"
    write_openface2(checkpoints)
    made = bundle(checkpoints)
    assert made is not None
    (folder / MODELS["openface2_aus"].file).write_bytes(made.content)
    write_checkpoints(checkpoints, face=face_shape(), validator=False)
    (folder / MODELS["clnf68"].file).write_bytes(packed(checkpoints).content)
    shutil.rmtree(checkpoints)
    others = [installed(folder, name) for name in ("pfld68", "openface2_aus", "clnf68")]
    write_record(folder, read_record(folder).having(*others))


def write_own_models(folder: Path) -> Path:
    """The demo models as somebody's own: not the published ones, but no demo either."""
    folder.mkdir(exist_ok=True)
    demo = read_record(DEMO_FOLDER).models.values()
    for model in demo:
        shutil.copyfile(DEMO_FOLDER / model.file, folder / model.file)
    write_record(folder, WeightsRecord().having(*(replace(model, demo=False) for model in demo)))
    return folder


def installed(folder: Path, name: str, **known: object) -> InstalledModel:
    """What a record says of a model's file that lies in a folder; `known`: what else is so."""
    file = MODELS[name].file
    model = InstalledModel(
        name=name,
        file=file,
        sha256=sha256_of(folder / file),
        source_file="stand-in",
        source_sha256="0" * 64,
        official=False,
        converter="tests",
        demo=False,
    )
    return replace(model, **known)
