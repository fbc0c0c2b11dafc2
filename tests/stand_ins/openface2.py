"""OpenFace 2's AU models in its file formats: seeded numbers, and a face of the phantom's form."""

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np

from tests.stand_ins.landmark_models import matrix
from tests.stand_ins.points68 import resting_face
from tests.stand_ins.shape_models import written
from weights.demo.exercises import FACE_WIDTH
from weights.manifest import OPENFACE2_FOLDER
from weights.openface2 import AU_FOLDER, AU_LIST, SHAPE_MODEL, TRIANGLES, published
from workers.aus.openface2.descriptor import feature_count
from workers.aus.openface2.fhog import LENGTH as HOG_LENGTH
from workers.aus.openface2.predictors import SVM_DYNAMIC, SVM_STATIC, SVR_DYNAMIC, SVR_STATIC
from workers.face.shape.shape_model import POINTS, ShapeModel

MODES = 34
FACE_HEIGHT = 180.0  # mm
KINDS = {
    "svr_static": SVR_STATIC,
    "svr_dynamic": SVR_DYNAMIC,
    "svm_static": SVM_STATIC,
    "svm_dynamic": SVM_DYNAMIC,
}
OUTLINE = [*range(17), *range(26, 16, -1), 0]
NOSE_TIP = 30


def face_shape() -> ShapeModel:
    """A bowl with a resting face's points and random modes."""
    x, y = ((resting_face() - 0.5) * [FACE_WIDTH, 1.0]).T * FACE_HEIGHT
    mean = np.stack([x, y, 0.006 * (x**2 + y**2)])
    mean -= mean.mean(axis=1, keepdims=True)
    random = np.random.default_rng(2)
    basis, _ = np.linalg.qr(random.standard_normal((3 * POINTS, MODES)))
    modes = np.ascontiguousarray(basis.T).reshape(MODES, 3, POINTS)
    return ShapeModel(mean, modes, np.linspace(400.0, 20.0, MODES))


def listed_files() -> dict[str, str]:
    """An AU model file of OpenFace's for each AU and kind, dynamic where there is one: its AU."""
    files: dict[tuple[str, str], tuple[str, str]] = {}
    for place in sorted(published()):  # dynamic before static
        folder, _, file = place.removeprefix(f"{AU_FOLDER}/").partition("/")
        if file:
            au = f"AU{int(file.split('_')[1]):02d}"
            files.setdefault((folder, au), (f"{folder}/{file}", au))
    return dict(files[key] for key in sorted(files))


def predictor(file: str, features: int) -> bytes:
    """An AU model's file; `file` is its place, which seeds it and says its kind."""
    random = np.random.default_rng(list(file.encode()))
    kind = f"{file[:3]}_{'dynamic' if 'dynamic' in file else 'static'}"
    weights = random.normal(0.0, 0.15, features)
    weights[HOG_LENGTH:] = random.normal(0.0, 0.02, features - HOG_LENGTH)
    means = np.zeros(features)
    means[:HOG_LENGTH] = random.uniform(0.0, 0.1, HOG_LENGTH)
    bias = 1.5 if kind.startswith("svr") else 0.0
    parts = [struct.pack("<i", KINDS[kind])]
    if kind == "svr_dynamic":
        parts.append(struct.pack("<d", 0.3))
    parts += [matrix(means), matrix(weights), struct.pack("<d", bias)]
    if kind.startswith("svm"):
        parts.append(struct.pack("<2d", 1.0, 0.0))
    return b"".join(parts)


def write_openface2(checkpoints: Path) -> Path:
    """The files below a checkpoints folder, as OpenFace lays them out; their own folder."""
    folder = checkpoints / OPENFACE2_FOLDER
    listed, shape = listed_files(), face_shape()
    for file in listed:
        path = folder / AU_FOLDER / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(predictor(file, feature_count(shape)))
    lines = [f"{file} {au}\n" for file, au in listed.items()]
    (folder / AU_LIST).write_text("".join(lines))
    written(shape, folder / SHAPE_MODEL)
    corners = [(a, b, NOSE_TIP) for a, b in pairwise(OUTLINE)]
    rows = "".join(f"{a} {b} {c}\n" for a, b, c in corners)
    (folder / TRIANGLES).write_text(f"{len(corners)}\n3\n4\n{rows}")
    return folder
