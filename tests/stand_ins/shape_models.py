"""Shape models made on the spot."""

from pathlib import Path

import numpy as np

from workers.face.shape.shape_model import POINTS, ShapeModel


def made_up(modes: int = 5, seed: int = 0) -> ShapeModel:
    """A bowl of 68 points, 140 mm wide, with random smooth modes."""
    random = np.random.default_rng(seed)
    x, y = random.uniform(-70, 70, (2, POINTS))
    mean = np.stack([x, y, 0.01 * (x**2 + y**2)])
    mean -= mean.mean(axis=1, keepdims=True)
    basis, _ = np.linalg.qr(random.standard_normal((3 * POINTS, modes)))
    return ShapeModel(
        mean=mean,
        modes=np.ascontiguousarray(basis.T).reshape(modes, 3, POINTS),
        variances=np.linspace(800.0, 50.0, modes),
    )


def written(model: ShapeModel, path: Path) -> Path:
    """A shape model's file, as OpenFace writes it."""
    modes = model.modes.reshape(len(model.modes), -1).T
    lines = []
    for title, matrix in (
        ("mean", model.mean.reshape(-1, 1)),
        ("modes", modes),
        ("eigenvalues", model.variances.reshape(1, -1)),
    ):
        lines += [f"# {title}", str(matrix.shape[0]), str(matrix.shape[1]), "6"]
        lines += [" ".join(f"{value:.17g}" for value in row) for row in matrix]
    path.write_text("\n".join(lines) + "\n")
    return path
