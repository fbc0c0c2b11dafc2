"""Point distribution models (PDM): points in 3-D, as a mean shape and its modes of variation.

Source of the models: OpenFace 2; of a face's 68 points `In-the-wild_aligned_PDM_68.txt`. Shapes are
in mm, centred at the origin; x right, y down, z into the picture, as the image has them. A shape is
seen in weak perspective: px = scale · (first two rows of the rotation) · shape + translation.
"""

import math
from dataclasses import dataclass
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import NDArray

from weights.manifest import WeightsError
from weights.matrices import read_text_matrices
from workers.arrays import Floats

POINTS = 68


@dataclass(frozen=True, slots=True, eq=False)
class ShapeModel:
    """mean: (3, N) mm; modes: (M, 3, N), orthonormal; variances: (M,) of the modes, mm²."""

    mean: Floats
    modes: Floats
    variances: Floats

    def deformation(self, local: Floats) -> Floats:
        """What parameters (M,) add to the mean shape: (3, N) mm."""
        added = local @ self.modes.reshape(len(local), self.mean.size)
        return np.asarray(added.reshape(self.mean.shape), dtype=np.float64)

    def shape(self, local: Floats) -> Floats:
        """The shape (3, N) of parameters (M,), mm."""
        return self.mean + self.deformation(local)

    def only(self, points: NDArray[np.intp]) -> "ShapeModel":
        """The same model of some of its points (n,) alone."""
        return ShapeModel(
            np.ascontiguousarray(self.mean[:, points]),
            np.ascontiguousarray(self.modes[:, :, points]),
            self.variances,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """How a shape stands in the picture.

    scale: px per mm; rotation: (3, 3); translation: (2,) px.
    """

    scale: float
    rotation: Floats
    translation: Floats

    @property
    def angles(self) -> Floats:
        """The rotation as angles (3,) around x, y, z, radians."""
        return euler_angles(self.rotation)

    def project(self, shape: Floats) -> Floats:
        """The points of a shape (3, N), px: (2, N), all x, then all y."""
        seen = self.scale * (self.rotation[:2] @ shape)
        return np.asarray(seen + self.translation[:, None], dtype=np.float64)


def rotation_matrix(angles: Floats) -> Floats:
    """Rx·Ry·Rz (3, 3) of angles (3,), radians."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    return np.array(
        [
            [cy * cz, -cy * sz, sy],
            [cx * sz + cz * sx * sy, cx * cz - sx * sy * sz, -cy * sx],
            [sx * sz - cx * cz * sy, cz * sx + cx * sy * sz, cx * cy],
        ]
    )


def euler_angles(rotation: Floats) -> Floats:
    """The angles (3,) that `rotation_matrix` turns into this rotation (3, 3)."""
    (a, b, c), (_, _, f), (_, _, i) = rotation.tolist()
    return np.array([math.atan2(-f, i), math.asin(min(max(c, -1.0), 1.0)), math.atan2(-b, a)])


def shape_model(mean: Floats, modes: Floats, variances: Floats) -> ShapeModel:
    """A model of OpenFace's three matrices: mean (3N, 1), modes (3N, M), eigenvalues (1, M).

    Raises ValueError where they do not fit each other.
    """
    if mean.size % 3 or modes.shape != (mean.size, variances.size):
        raise ValueError(f"a mean of {mean.size} numbers, but modes of shape {modes.shape}")
    return ShapeModel(
        mean=mean.reshape(3, -1),
        modes=np.ascontiguousarray(modes.T).reshape(variances.size, 3, -1),
        variances=variances.reshape(-1),
    )


def read_shape_model(path: Traversable) -> ShapeModel:
    """OpenFace's PDM file of 68 points. Raises WeightsError or OSError."""
    matrices = read_text_matrices(path)
    if len(matrices) != 3 or matrices[0].shape != (3 * POINTS, 1):
        raise WeightsError(f"{path} is not a shape model of {POINTS} points: fetch it again")
    try:
        return shape_model(*matrices)
    except ValueError as error:
        raise WeightsError(f"{path} does not fit itself ({error}): fetch it again") from error


def read_triangles(path: Traversable) -> NDArray[np.intp]:
    """OpenFace's triangulation file: (T, 3) point indices. Raises WeightsError or OSError."""
    matrices = read_text_matrices(path)
    if len(matrices) != 1 or matrices[0].shape[1] != 3:
        raise WeightsError(f"{path} is not a triangulation: fetch it again")
    triangles = matrices[0].astype(np.intp)
    if triangles.min() < 0 or triangles.max() >= POINTS:
        raise WeightsError(f"{path} names points beyond {POINTS}: fetch it again")
    return triangles
