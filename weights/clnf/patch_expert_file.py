"""OpenFace 2's files of CCNF patch experts: one scale of one landmark model.

A patch expert says of each place around a landmark how much it looks like it: a few *neurons*
(small correlation kernels, each with a sigmoid) and a matrix that smooths their sum. There is one
for every landmark that a view of the face shows.

The format, little-endian: float64 scaling; int32 V; V matrices 3x1 float64 with the views' angles
in degrees; V matrices Nx1 int32 with what they show; int32 number of window sizes, each as int32 W,
int32 B and B matrices W²xW² float32; then the experts, view by view and landmark by landmark.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from weights.manifest import WeightsError
from weights.matrices import BinaryReader

EXPERT, NEURON = 5, 2
"""The marks that stand before each."""

NEIGHBOURHOODS = "neighbourhoods/"
LARGEST_WINDOW = 11
"""The files have matrices for larger windows, too; nobody uses them."""


@dataclass(frozen=True, slots=True, eq=False)
class _Expert:
    """kernels: (K, S, S) float32; gains, biases, alphas: (K,); betas: (B,)."""

    kernels: NDArray[np.float32]
    gains: list[float]
    biases: list[float]
    alphas: list[float]
    betas: list[float]
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class PatchExpertArrays:
    """The experts of one scale, for V views, N landmarks and K neurons of size SxS.

    scaling: px per mm of the pictures that they know; centres: (V, 3) the views' angles around
    x, y, z, radians; visible: (V, N); kernels: (V, N, K, S*S), row by row, each with mean 0 and
    norm 1; gains, biases, alphas: (V, N, K); betas: (V, N, B); confidences: (V, N);
    neighbourhoods: (B, W², W²) by window W. Where a landmark is hidden, or has fewer neurons than
    others, numbers are 0.
    """

    scaling: float
    centres: NDArray[np.float64]
    visible: NDArray[np.bool_]
    kernels: NDArray[np.float32]
    gains: NDArray[np.float64]
    biases: NDArray[np.float64]
    alphas: NDArray[np.float64]
    betas: NDArray[np.float64]
    confidences: NDArray[np.float64]
    neighbourhoods: dict[int, NDArray[np.float32]]

    def by_name(self) -> dict[str, NDArray[Any]]:
        """Everything by name, as a packed model holds it."""
        named = {item.name: np.asarray(getattr(self, item.name)) for item in fields(self)[:-1]}
        return named | {f"{NEIGHBOURHOODS}{size}": one for size, one in self.neighbourhoods.items()}

    @classmethod
    def of(cls, named: Mapping[str, NDArray[Any]]) -> "PatchExpertArrays":
        """What `by_name` gave. Raises KeyError where something is missing."""
        plain: dict[str, Any] = {item.name: named[item.name] for item in fields(cls)[:-1]}
        neighbourhoods = {
            int(name.removeprefix(NEIGHBOURHOODS)): matrices
            for name, matrices in named.items()
            if name.startswith(NEIGHBOURHOODS)
        }
        scaling = float(plain.pop("scaling"))
        return cls(scaling=scaling, neighbourhoods=neighbourhoods, **plain)


def read_patch_experts(path: Path) -> PatchExpertArrays:
    """Raises WeightsError where the file is none of patch experts, or OSError."""
    try:
        return _read(BinaryReader(path.read_bytes()))
    except (ValueError, struct.error) as error:
        raise WeightsError(
            f"{path} is no file of CCNF patch experts ({error}): fetch it again"
        ) from error


def _read(reader: BinaryReader) -> PatchExpertArrays:
    scaling, views = reader.double(), reader.integer()
    centres = [np.deg2rad(reader.matrix(np.float64).reshape(3)) for _ in range(views)]
    visible = np.array([reader.matrix(np.int32).ravel() for _ in range(views)]) != 0
    if visible.ndim != 2:
        raise ValueError(f"it has {views} views, not all of the same landmarks")
    windows = [_read_window(reader) for _ in range(reader.integer())]
    beta_count = len(windows[0][1]) if windows else 0
    experts = [[_read_expert(reader, beta_count) for _ in row] for row in visible]
    if not reader.at_end:
        raise ValueError("there is something behind its last expert")
    for shown, row in zip(visible, experts, strict=True):
        if [expert is not None for expert in row] != shown.tolist():
            raise ValueError("it has experts for other landmarks than it calls visible")
    kept = {
        size: np.stack(matrices)
        for size, matrices in windows
        if matrices and size <= LARGEST_WINDOW
    }
    return _packed(scaling, np.stack(centres), visible, kept, experts)


def _read_window(reader: BinaryReader) -> tuple[int, list[NDArray[np.float32]]]:
    window, count = reader.integer(), reader.integer()
    matrices = [reader.matrix(np.float32) for _ in range(count)]
    if any(matrix.shape != (window**2, window**2) for matrix in matrices):
        raise ValueError(f"a neighbourhood does not fit the window {window}")
    return window, matrices


def _read_expert(reader: BinaryReader, beta_count: int) -> _Expert | None:
    """The next expert; None where the landmark has none."""
    mark, width, height, neurons = (reader.integer() for _ in range(4))
    if mark != EXPERT:
        raise ValueError(f"an expert begins with {mark}")
    if neurons == 0:
        reader.integer()
        return None
    kernels, numbers = [], []
    for _ in range(neurons):
        mark, _kind = reader.integer(), reader.integer()
        if mark != NEURON:
            raise ValueError(f"a neuron begins with {mark}")
        numbers.append([reader.double() for _ in range(3)])
        kernels.append(reader.matrix(np.float32))
    if any(kernel.shape != (height, width) for kernel in kernels) or height != width:
        raise ValueError("a neuron's kernel has another size than its expert")
    gains, biases, alphas = (list(column) for column in zip(*numbers, strict=True))
    betas = [reader.double() for _ in range(beta_count)]
    return _Expert(np.stack(kernels), gains, biases, alphas, betas, reader.double())


def _packed(
    scaling: float,
    centres: NDArray[np.float64],
    visible: NDArray[np.bool_],
    neighbourhoods: dict[int, NDArray[np.float32]],
    experts: list[list[_Expert | None]],
) -> PatchExpertArrays:
    there = [expert for row in experts for expert in row if expert is not None]
    if len({expert.kernels.shape[1] for expert in there}) != 1:
        raise ValueError("its experts are of different sizes")
    size = there[0].kernels.shape[1]
    neurons = max(len(expert.alphas) for expert in there)
    kernels = np.zeros((*visible.shape, neurons, size * size), dtype=np.float32)
    gains, biases, alphas = np.zeros((3, *visible.shape, neurons))
    betas = np.zeros((*visible.shape, len(there[0].betas)))
    confidences = np.zeros(visible.shape)
    for view, row in enumerate(experts):
        for landmark, expert in enumerate(row):
            if expert is None:
                continue
            place = (view, landmark, slice(len(expert.alphas)))
            kernels[place] = _normalised(expert.kernels).reshape(-1, size * size)
            gains[place], biases[place] = expert.gains, expert.biases
            alphas[place] = expert.alphas
            betas[view, landmark] = expert.betas
            confidences[view, landmark] = expert.confidence
    return PatchExpertArrays(
        scaling,
        centres,
        visible,
        kernels,
        gains,
        biases,
        alphas,
        betas,
        confidences,
        neighbourhoods,
    )


def _normalised(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Kernels (K, S, S) less their mean, over their norm; flat ones are 0."""
    centred = kernels.astype(np.float64)
    centred -= centred.mean(axis=(1, 2), keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(centred / np.where(norms > 0.0, norms, 1.0), dtype=np.float32)
