"""What the clinical measures of a recording are made of, collected chunk by chunk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.chunk.rows import ChunkRows

BLOCK = 512
"""Frames that are measured at once, counted from the recording's first: where a block begins is
the same whatever the chunks."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmedFaces:
    """All n frames of a recording, in order; NaN where nothing was seen.

    times: (n,) s from the first frame; success, decoded: (n,); yaws, pitches: (n,) degrees; points:
    (n, P, 2), rings: (n, 2, 8, 2) around the left and the right iris, px; width, height: of the
    pictures, px.
    """

    times: Floats
    success: NDArray[np.bool_]
    decoded: NDArray[np.bool_]
    yaws: Floats
    pitches: Floats
    points: NDArray[np.float32]
    rings: NDArray[np.float32]
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.times)

    def blocks(self) -> Iterator[slice]:
        """The frames that are measured together."""
        for start in range(0, len(self), BLOCK):
            yield slice(start, min(start + BLOCK, len(self)))

    def seen_points(self) -> NDArray[np.float32]:
        """The points (n, P, 2), NaN where they lie outside the picture: the landmark model guesses
        these."""
        last = np.array([self.width - 0.5, self.height - 0.5], np.float32)
        outside = np.any((self.points < -0.5) | (self.points > last), axis=2, keepdims=True)
        return np.where(outside, np.float32(np.nan), self.points)


def filmed_faces(
    chunks: Iterable[tuple[ChunkRows, list[float]]], width: int, height: int
) -> FilmedFaces:
    """chunks: all of them, in order, each with the times of its frames, s."""
    collected = [
        (times, rows.success, rows.decoded, rows.poses, rows.points, rows.irises)
        for rows, times in chunks
    ]
    times, success, decoded, poses, points, rings = (
        np.concatenate([one[place] for one in collected]) for place in range(6)
    )
    angles = poses.astype(np.float64)
    return FilmedFaces(
        times=times,
        success=success,
        decoded=decoded,
        yaws=angles[:, 0],
        pitches=angles[:, 1],
        points=points,
        rings=rings,
        width=width,
        height=height,
    )
