"""OpenFace 2's files, loaded: what its AUs are measured with."""

import zipfile
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from weights.manifest import WeightsError
from weights.openface2 import SHAPE_MODEL, TRIANGLES
from workers.aus.openface2.descriptor import feature_count
from workers.aus.openface2.predictors import Predictors, read_predictors
from workers.face.shape.shape_model import ShapeModel, read_shape_model, read_triangles


@dataclass(frozen=True, slots=True, eq=False)
class OpenFace2Models:
    """triangles: (T, 3) indices of the shape model's points."""

    shape_model: ShapeModel
    triangles: NDArray[np.intp]
    predictors: Predictors


def read_openface2(folder: Traversable) -> OpenFace2Models:
    """The files below a folder, laid out as OpenFace does. Raises WeightsError or OSError."""
    shape_model = read_shape_model(folder / SHAPE_MODEL)
    predictors = read_predictors(folder)
    if predictors.features != feature_count(shape_model):
        raise WeightsError(
            f"OpenFace 2's AU models take {predictors.features} features, a face has "
            f"{feature_count(shape_model)}: fetch its files again"
        )
    return OpenFace2Models(shape_model, read_triangles(folder / TRIANGLES), predictors)


def open_openface2(bundle: Path) -> OpenFace2Models:
    """The files of a weights folder's bundle. Raises WeightsError or OSError."""
    with zipfile.ZipFile(bundle) as archive:
        return read_openface2(zipfile.Path(archive))
