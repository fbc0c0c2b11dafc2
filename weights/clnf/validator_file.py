"""OpenFace 2's file of the landmark validator: a small network that looks at the warped face.

It has a network for each of a few views. The face is warped, triangle by triangle, onto a small
picture in which every landmark has its place; of that only the pixels of a mask count.

The format, little-endian: int32 type (2: convolutional); int32 V; V matrices 3x1 float64 with the
views' angles in degrees; then, view by view: matrices mean and deviation (float64), the layers, and
the warp: int32 pixels, float64 least x, float64 least y, then matrices: landmarks (float64),
triangles (int32), each pixel's triangle (int32), mask, and two with three coefficients a triangle
(float64) that give a pixel's place between the triangle's corners.
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

CONVOLUTIONAL = 2
CONVOLUTION, SUBSAMPLING, FULL = 0, 1, 2
LAYERS = 5
"""Convolution, subsampling, convolution, subsampling, full."""
HALF = 2


@dataclass(frozen=True, slots=True, eq=False)
class ValidatorView:
    """The network for one view, and how the face is warped for it.

    centre: (3,) angles around x, y, z, radians; shape: (2,) height and width of the warped picture.
    Of its n mask pixels, column by column: places (n,) their index in the picture, row by row;
    corners (n, 3) landmarks of the triangle around each; shares (n, 3) how much of each corner's
    position makes the pixel's, sums are 1; mean, deviation (n,) of the normalised pixels in
    training. The network: kernelsL (O, I, S, S), for correlation, and biasesL (O,) of two
    convolutions; weights (I, h, w) and bias (1,) of what follows the second.
    """

    centre: NDArray[np.float64]
    shape: NDArray[np.int64]
    places: NDArray[np.int64]
    corners: NDArray[np.int64]
    shares: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    kernels1: NDArray[np.float32]
    biases1: NDArray[np.float32]
    kernels2: NDArray[np.float32]
    biases2: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def by_name(self) -> dict[str, NDArray[Any]]:
        """Everything by name, as a packed model holds it."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def of(cls, named: Mapping[str, NDArray[Any]]) -> "ValidatorView":
        """What `by_name` gave. Raises KeyError where something is missing."""
        return cls(**{item.name: named[item.name] for item in fields(cls)})


def read_validator(path: Path) -> list[ValidatorView]:
    """The views in the file's order. Raises WeightsError where it is no such file, or OSError."""
    try:
        reader = BinaryReader(path.read_bytes())
        kind, views = reader.integer(), reader.integer()
        if kind != CONVOLUTIONAL:
            raise ValueError(f"its type is {kind}")
        centres = [np.deg2rad(reader.matrix(np.float64).reshape(3)) for _ in range(views)]
        found = [_read_view(reader, centre) for centre in centres]
        if not reader.at_end:
            raise ValueError("there is something behind its last view")
    except (ValueError, IndexError, struct.error) as error:
        raise WeightsError(f"{path} is no landmark validator ({error}): fetch it again") from error
    return found


def _read_view(reader: BinaryReader, centre: NDArray[np.float64]) -> ValidatorView:
    mean, deviation = reader.matrix(np.float64).ravel(), reader.matrix(np.float64).ravel()
    if reader.integer() != LAYERS:
        raise ValueError("it has another number of layers")
    kernels1, biases1 = _read_convolution(reader)
    _read_subsampling(reader)
    kernels2, biases2 = _read_convolution(reader)
    _read_subsampling(reader)
    bias, flat = _read_full(reader)
    shape, places, corners, shares = _read_warp(reader)
    if not mean.size == deviation.size == len(places) or len(kernels1) != kernels2.shape[1]:
        raise ValueError("its parts do not fit each other")
    # The maps follow each other, each column by column.
    height, width = (
        _halved(_halved(size - kernels1.shape[-1] + 1) - kernels2.shape[-1] + 1)
        for size in shape.tolist()
    )
    weights = flat.reshape(len(kernels2), width, height).swapaxes(1, 2)
    return ValidatorView(
        centre=centre,
        shape=shape,
        places=places,
        corners=corners,
        shares=shares,
        mean=mean,
        deviation=deviation,
        kernels1=kernels1,
        biases1=biases1,
        kernels2=kernels2,
        biases2=biases2,
        weights=np.ascontiguousarray(weights),
        bias=bias,
    )


def _expect(reader: BinaryReader, layer: int) -> None:
    kind = reader.integer()
    if kind != layer:
        raise ValueError(f"a layer is of kind {kind}, not {layer}")


def _read_convolution(reader: BinaryReader) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernels (O, I, S, S), turned for correlation, and biases (O,)."""
    _expect(reader, CONVOLUTION)
    inputs, outputs = reader.integer(), reader.integer()
    biases = np.array([reader.single() for _ in range(outputs)], dtype=np.float32)
    kernels = [[reader.matrix(np.float32) for _ in range(outputs)] for _ in range(inputs)]
    return np.ascontiguousarray(np.array(kernels).swapaxes(0, 1)[:, :, ::-1, ::-1]), biases


def _read_subsampling(reader: BinaryReader) -> None:
    _expect(reader, SUBSAMPLING)
    scale = reader.integer()
    if scale != HALF:
        raise ValueError(f"a layer subsamples by {scale}, not {HALF}")


def _read_full(reader: BinaryReader) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bias (1,) and weights (L,)."""
    _expect(reader, FULL)
    return np.array([reader.single()], np.float32), reader.matrix(np.float32).ravel()


def _halved(size: int) -> int:
    """What subsampling leaves of a map's height or width: an odd last one is dropped."""
    return size // HALF


def _read_warp(
    reader: BinaryReader,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """shape, places, corners and shares, as `ValidatorView` has them."""
    count, least_x, least_y = reader.integer(), reader.double(), reader.double()
    reader.matrix(np.float64)  # where the landmarks lie on the warped picture: the rest says it
    triangles = reader.matrix(np.int32).astype(np.int64)
    of_pixel, mask = reader.matrix(np.int32), reader.matrix(np.int32)
    alpha, beta = reader.matrix(np.float64), reader.matrix(np.float64)
    # Column by column.
    columns, rows = np.nonzero(mask.T)
    triangle = of_pixel[rows, columns]
    if len(rows) != count or triangle.min() < 0 or triangle.max() >= len(triangles):
        raise ValueError("its mask and its triangles do not fit each other")
    place = np.column_stack([np.ones(count), columns + least_x, rows + least_y])
    second = (alpha[triangle] * place).sum(axis=1)
    third = (beta[triangle] * place).sum(axis=1)
    return (
        np.array(mask.shape, dtype=np.int64),
        rows * mask.shape[1] + columns,
        triangles[triangle],
        np.column_stack([1.0 - second - third, second, third]),
    )
