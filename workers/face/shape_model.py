"""The point distribution model (PDM): 68 points in 3-D, as a mean shape and its modes of variation.

Source of the model: OpenFace 2's `In-the-wild_aligned_PDM_68.txt`. Shapes are in mm, centred at the
origin; x right, y down, z into the picture, as the image has them. A shape is seen in weak
perspective: px = scale · (first two rows of the rotation) · shape + translation.
"""

from dataclasses import dataclass
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import NDArray

from weights.manifest import WeightsError
from workers.arrays import Floats

POINTS = 68


@dataclass(frozen=True, slots=True, eq=False)
class ShapeModel:
    """mean: (3, 68) mm; modes: (3, M, 68), orthonormal; variances: (M,) of the modes, mm²."""

    mean: Floats
    modes: Floats
    variances: Floats

    def deformation(self, local: Floats) -> Floats:
        """What parameters (M,) add to the mean shape: (3, 68) mm."""
        return np.asarray(local @ self.modes, dtype=np.float64)

    def shape(self, local: Floats) -> Floats:
        """The shape (3, 68) of parameters (M,), mm."""
        return self.mean + self.deformation(local)


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
        """The points of a shape (3, 68), px: (2, 68), all x, then all y."""
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
    """The angles (3,) that `rotation_matrix` turns into this rotation (3, 3).

    Through the quaternion, so it holds for rotations of less than half a turn.
    """
    w = np.sqrt(1.0 + np.trace(rotation)) / 2.0
    x = (rotation[2, 1] - rotation[1, 2]) / (4.0 * w)
    y = (rotation[0, 2] - rotation[2, 0]) / (4.0 * w)
    z = (rotation[1, 0] - rotation[0, 1]) / (4.0 * w)
    return np.array(
        [
            np.arctan2(2.0 * (w * x - y * z), w * w - x * x - y * y + z * z),
            np.arcsin(np.clip(2.0 * (w * y + x * z), -1.0, 1.0)),
            np.arctan2(2.0 * (w * z - x * y), w * w + x * x - y * y - z * z),
        ]
    )


def read_shape_model(path: Traversable) -> ShapeModel:
    """OpenFace's PDM file: mean, modes, eigenvalues. Raises WeightsError or OSError."""
    matrices = _read_matrices(path)
    if len(matrices) != 3 or matrices[0].shape != (3 * POINTS, 1):
        raise WeightsError(f"{path} is not a shape model of {POINTS} points: fetch it again")
    mean, modes, variances = matrices
    if modes.shape != (3 * POINTS, variances.size):
        raise WeightsError(f"{path} has modes of shape {modes.shape}: fetch it again")
    return ShapeModel(
        mean=mean.reshape(3, POINTS),
        modes=np.ascontiguousarray(modes.reshape(3, POINTS, -1).swapaxes(1, 2)),
        variances=variances.reshape(-1),
    )


def read_triangles(path: Traversable) -> NDArray[np.intp]:
    """OpenFace's triangulation file: (T, 3) point indices. Raises WeightsError or OSError."""
    matrices = _read_matrices(path)
    if len(matrices) != 1 or matrices[0].shape[1] != 3:
        raise WeightsError(f"{path} is not a triangulation: fetch it again")
    triangles = matrices[0].astype(np.intp)
    if triangles.min() < 0 or triangles.max() >= POINTS:
        raise WeightsError(f"{path} names points beyond {POINTS}: fetch it again")
    return triangles


def _read_matrices(path: Traversable) -> list[Floats]:
    """Matrices written as `rows cols type` and their numbers; lines that begin with # are none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    words = " ".join(line for line in lines if not line.lstrip().startswith("#")).split()
    matrices = []
    try:
        while words:
            rows, columns = int(words[0]), int(words[1])
            count = rows * columns
            numbers = np.array(words[3 : 3 + count], dtype=np.float64)
            matrices.append(numbers.reshape(rows, columns))
            words = words[3 + count :]
    except (ValueError, IndexError) as error:
        raise WeightsError(f"{path} cannot be read ({error}): fetch it again") from error
    return matrices
