"""The landmark models of a weights folder, loaded, with what OpenFace 2 fits them by.

The numbers here are OpenFace 2's own settings.
"""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weights.clnf.packing import FORMAT
from weights.clnf.patch_expert_file import PatchExpertArrays
from weights.clnf.validator_file import ValidatorView
from weights.manifest import WeightsError
from workers.clnf.fitting import LandmarkModel, Schedule
from workers.clnf.parts import Part
from workers.clnf.patch_experts import PatchExperts
from workers.clnf.tracker import LandmarkModels
from workers.clnf.validator import Validator
from workers.face.shape.shape_model import shape_model

Arrays = dict[str, NDArray[Any]]

INNER = Schedule(regularisation=2.5, sigma=1.75, reliance=2.5)
INNER_WINDOWS = (9,)
EYES = Schedule(regularisation=0.5, sigma=1.0)
EYE_WINDOWS = (3, 5)
LIDS = np.array([8, 10, 12, 14, 16, 18])
"""Points of an eye model that the face has, too: from its corner on the picture's left."""


def load_landmark_models(path: Path) -> LandmarkModels:
    """The models of a `clnf68.npz`. Raises WeightsError where it is none, or OSError."""
    try:
        # Opened here: NumPy leaves a file open that turns out to be no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        if int(arrays["format"]) != FORMAT:
            raise ValueError(f"its format is {arrays['format']}, not {FORMAT}")
        return landmark_models(arrays)
    except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(
            f"{path} holds no landmark models that this version reads ({error}): "
            "type 'facemirror weights convert'"
        ) from error


def landmark_models(arrays: Arrays) -> LandmarkModels:
    """The models of arrays, by the names that `weights.clnf.packing` says. Raises KeyError."""
    face, inner = _below(arrays, "face"), _below(arrays, "inner")
    right, left = _below(arrays, "right_eye"), _below(arrays, "left_eye")
    of_face = [schedule_of(experts.scaling) for experts in _experts(face)]
    return LandmarkModels(
        face=_landmark_model(face, of_face),
        parts={
            "inner": Part(
                _landmark_model(inner, [INNER]), np.arange(17, 68), np.arange(51), INNER_WINDOWS
            ),
            "right_eye": Part(
                _landmark_model(right, [EYES, EYES]), np.arange(36, 42), LIDS, EYE_WINDOWS
            ),
            "left_eye": Part(
                _landmark_model(left, [EYES, EYES]), np.arange(42, 48), LIDS, EYE_WINDOWS
            ),
        },
        validator=_validator(_below(arrays, "validator")),
    )


def schedule_of(scaling: float) -> Schedule:
    """How the whole face's maps of one scale are used: the finer, the freer, and the wider."""
    octaves = math.log2(scaling / 0.25)
    regularisation = 25.0 - 15.0 * octaves
    return Schedule(regularisation if regularisation > 0.0 else 0.001, 1.5 + 0.25 * octaves)


def _below(arrays: Arrays, folder: str) -> Arrays:
    prefix = f"{folder}/"
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _numbered(arrays: Arrays) -> list[Arrays]:
    """What is below 0/, 1/, and so on."""
    found: list[Arrays] = []
    while below := _below(arrays, str(len(found))):
        found.append(below)
    return found


def _landmark_model(arrays: Arrays, schedules: list[Schedule]) -> LandmarkModel:
    shape = _below(arrays, "shape")
    return LandmarkModel(
        shape=shape_model(shape["mean"], shape["modes"], shape["variances"]),
        experts=tuple(_experts(arrays)),
        schedules=tuple(schedules),
    )


def _experts(arrays: Arrays) -> list[PatchExperts]:
    return [PatchExperts(PatchExpertArrays.of(one)) for one in _numbered(arrays)]


def _validator(arrays: Arrays) -> Validator | None:
    views = [ValidatorView.of(one) for one in _numbered(arrays)]
    return Validator(views) if views else None
