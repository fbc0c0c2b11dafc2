"""The numbers of one analysed chunk, and their bytes on Redis."""

import io
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class FrameRow:
    """What was measured in one frame that has a face.

    box (4,), points (P, 2): px of the frame; head_scores (2, A): the AU head's scores of the left
    and right mirrored face; au45 (2,): left and right.
    """

    confidence: float
    box: Floats
    points: Floats
    head_scores: NDArray[np.float32]
    au45: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkRows:
    """The frames of one chunk, in presentation order; n frames, P landmarks, A head scores.

    success (n,) bool: a face was found and measured; decoded (n,) bool; faces (n,) int16: how many
    faces were seen where the whole picture was searched, else −1; confidence (n,) float32, 0
    without a face; boxes (n, 4), points (n, P, 2), head_scores (n, 2, A) and au45 (n, 2) float32,
    NaN without a face; the axis of two is left, right.
    """

    success: NDArray[np.bool_]
    decoded: NDArray[np.bool_]
    faces: NDArray[np.int16]
    confidence: NDArray[np.float32]
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    head_scores: NDArray[np.float32]
    au45: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.success)

    def to_bytes(self) -> bytes:
        """The arrays as a compressed npz."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{f.name: getattr(self, f.name) for f in fields(self)})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ChunkRows":
        """The inverse of `to_bytes`. Raises ValueError or KeyError on other bytes."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(**{f.name: arrays[f.name] for f in fields(cls)})


class ChunkRowsBuilder:
    """Collects the rows of a chunk frame by frame."""

    def __init__(self, frames: int, points: int, head_scores: int) -> None:
        self._next = 0
        self.rows = ChunkRows(
            success=np.zeros(frames, dtype=np.bool_),
            decoded=np.zeros(frames, dtype=np.bool_),
            faces=np.full(frames, -1, dtype=np.int16),
            confidence=np.zeros(frames, dtype=np.float32),
            boxes=_empty(frames, 4),
            points=_empty(frames, points, 2),
            head_scores=_empty(frames, 2, head_scores),
            au45=_empty(frames, 2),
        )

    def add(self, row: FrameRow | None, decoded: bool, faces: int | None) -> None:
        """Add the next frame; row is None where no face was measured."""
        i, rows = self._next, self.rows
        self._next += 1
        rows.decoded[i] = decoded
        if faces is not None:
            rows.faces[i] = faces
        if row is None:
            return
        rows.success[i] = True
        rows.confidence[i] = row.confidence
        rows.boxes[i] = row.box
        rows.points[i] = row.points
        rows.head_scores[i] = row.head_scores
        rows.au45[i] = row.au45

    def finish(self) -> ChunkRows:
        """The rows; raises ValueError unless every frame was added."""
        if self._next != len(self.rows):
            raise ValueError(f"{self._next} frames were added to a chunk of {len(self.rows)}")
        return self.rows


def _empty(*shape: int) -> NDArray[np.float32]:
    return np.full(shape, np.nan, dtype=np.float32)


def face_jumps(boxes: NDArray[np.float32]) -> int:
    """How often the measured face is elsewhere in the next frame: perhaps another person.

    boxes: (N, 4) of all frames of a recording, in order, NaN without a face. A jump: neighbouring
    frames have faces whose boxes do not overlap at all.
    """
    before, after = boxes[:-1], boxes[1:]
    beyond = (before[:, :2] >= after[:, 2:]) | (after[:, :2] >= before[:, 2:])
    return int(beyond.any(axis=1).sum())
