"""Packs OpenFace 2's landmark models into the one file that workers load: `clnf68.npz`.

A NumPy archive, without compression and without a time, so that the same files give the same bytes:

- `format`: FORMAT;
- MODEL/shape/mean, MODEL/shape/modes, MODEL/shape/variances: the shape model's matrices, for the
  models `face`, `inner`, `right_eye`, `left_eye`;
- MODEL/SCALE/...: the patch experts of each scale, counted from 0, as `PatchExpertArrays` has
  them;
- validator/VIEW/...: as `ValidatorView` has them, where there is a validator.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weights.clnf.files import LANDMARK_MODELS, NEEDED, VALIDATOR, LandmarkModelFiles, published
from weights.clnf.patch_expert_file import PatchExpertArrays, read_patch_experts
from weights.clnf.validator_file import read_validator
from weights.manifest import OPENFACE2_FOLDER, WeightsError
from weights.matrices import read_text_matrices
from weights.openface2 import zipped

FORMAT = 1

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class PackedModels:
    """content: of the archive; sources: one checksum for all files that went into it; official:
    each is the published one; validated: the validator is among them."""

    content: bytes
    sources: str
    official: bool
    validated: bool


def missing_files(checkpoints: Path) -> list[str]:
    """The needed files that a checkpoints folder has not, below `openface2/`."""
    return [file for file in NEEDED if not (checkpoints / OPENFACE2_FOLDER / file).is_file()]


def packed(checkpoints: Path) -> PackedModels:
    """The files of a checkpoints folder as one; none may be missing.

    Raises WeightsError where one cannot be read or does not fit the others, or OSError.
    """
    folder = checkpoints / OPENFACE2_FOLDER
    validated = (folder / VALIDATOR).is_file()
    arrays: Arrays = {"format": np.asarray(FORMAT)}
    for name, files in LANDMARK_MODELS.items():
        arrays |= _under(name, _landmark_model(folder, files))
    if validated:
        for view, network in enumerate(read_validator(folder / VALIDATOR)):
            arrays |= _under(f"validator/{view}", network.by_name())
    sources = [*NEEDED, VALIDATOR] if validated else [*NEEDED]
    checksums = {
        file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in sorted(sources)
    }
    lines = "".join(f"{checksum}  {file}\n" for file, checksum in checksums.items())
    return PackedModels(
        content=zipped({f"{name}.npy": _npy(array) for name, array in arrays.items()}),
        sources=hashlib.sha256(lines.encode()).hexdigest(),
        official=all(published()[file] == checksum for file, checksum in checksums.items()),
        validated=validated,
    )


def _landmark_model(folder: Path, files: LandmarkModelFiles) -> Arrays:
    matrices = read_text_matrices(folder / files.shape_model)
    experts = [read_patch_experts(folder / file) for file in files.patch_experts]
    if len(matrices) != 3 or not all(_fits(matrices, one) for one in experts):
        raise WeightsError(
            f"{folder / files.shape_model} does not fit {', '.join(files.patch_experts)}: "
            "fetch OpenFace 2's landmark models again"
        )
    mean, modes, variances = matrices
    arrays: Arrays = {"mean": mean, "modes": modes, "variances": variances}
    return _under("shape", arrays) | {
        key: array
        for scale, one in enumerate(experts)
        for key, array in _under(str(scale), one.by_name()).items()
    }


def _fits(matrices: list[NDArray[np.float64]], experts: PatchExpertArrays) -> bool:
    mean, modes, variances = matrices
    coordinates = 3 * experts.visible.shape[1]
    return mean.shape == (coordinates, 1) and modes.shape == (coordinates, variances.size)


def _under(folder: str, arrays: Arrays) -> Arrays:
    return {f"{folder}/{name}": array for name, array in arrays.items()}


def _npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()
