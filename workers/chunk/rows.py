"""The numbers of one analysed chunk, and their bytes on Redis."""

import io
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.aus.au_arrays import AuArrays
from workers.aus.occurrence_scores import OccurrenceScores
from workers.aus.openface2.evidence import ChunkEvidence

AU_ARRAYS: tuple[type[AuArrays], ...] = (OccurrenceScores, ChunkEvidence)
"""What the AU methods keep of a chunk."""


def no_shape() -> Floats:
    """For landmarks that come without one."""
    return np.zeros(0)


IRISES = (2, 8, 2)
"""Points around the left and the right iris, as the landmark tracker gives them."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameRow:
    """What was measured in one frame that has a face.

    box (4,), points (P, 2): px of the frame; pose (3,): yaw, pitch, roll as in `HeadPose`, degrees;
    aus: of this one frame; shape (S,): `ShapeFit.values` and `CameraPose.values`, one after the
    other, where the landmarks come with them; irises (2, 8, 2), followed: as `TrackedFace` has
    them.
    """

    confidence: float
    box: Floats
    points: Floats
    pose: Floats
    aus: AuArrays
    shape: Floats = field(default_factory=no_shape)
    irises: Floats | None = None
    followed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ChunkRows:
    """The frames of one chunk, in presentation order; n frames, P landmarks.

    success (n,) bool: a face was found and measured; decoded (n,) bool; followed (n,) bool: its
    landmarks are those of neighbouring frames, followed; faces (n,) int16: how many faces were seen
    where the whole picture was searched, else −1; confidence (n,) float32, 0 without a face; boxes
    (n, 4), points (n, P, 2), poses (n, 3), shapes (n, S) float32, NaN without a face; irises
    (n, 2, 8, 2) float32, NaN for an eye without; aus: n frames.
    """

    success: NDArray[np.bool_]
    decoded: NDArray[np.bool_]
    followed: NDArray[np.bool_]
    faces: NDArray[np.int16]
    confidence: NDArray[np.float32]
    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    poses: NDArray[np.float32]
    shapes: NDArray[np.float32]
    irises: NDArray[np.float32]
    aus: AuArrays

    def __len__(self) -> int:
        return len(self.success)

    def to_bytes(self) -> bytes:
        """The arrays as a compressed npz."""
        buffer = io.BytesIO()
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "aus"}
        aus = {f.name: getattr(self.aus, f.name) for f in fields(self.aus)}
        np.savez_compressed(buffer, **own, **aus)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ChunkRows":
        """The inverse of `to_bytes`. Raises ValueError or KeyError on other bytes."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            (kind,) = (k for k in AU_ARRAYS if fields(k)[0].name in arrays)
            aus = kind(**{f.name: arrays[f.name] for f in fields(kind)})
            own = {f.name: arrays[f.name] for f in fields(cls) if f.name != "aus"}
            return cls(**own, aus=aus)


class ChunkRowsBuilder:
    """Collects the rows of a chunk frame by frame."""

    def __init__(
        self, frames: int, points: int, of_no_face: AuArrays, shape_numbers: int = 0
    ) -> None:
        """of_no_face: what stands for the AUs of a frame without a face; shape_numbers: S."""
        self._of_no_face = of_no_face
        self._aus: list[AuArrays] = []
        self._success = np.zeros(frames, dtype=np.bool_)
        self._decoded = np.zeros(frames, dtype=np.bool_)
        self._followed = np.zeros(frames, dtype=np.bool_)
        self._faces = np.full(frames, -1, dtype=np.int16)
        self._confidence = np.zeros(frames, dtype=np.float32)
        self._boxes = np.full((frames, 4), np.nan, dtype=np.float32)
        self._points = np.full((frames, points, 2), np.nan, dtype=np.float32)
        self._poses = np.full((frames, 3), np.nan, dtype=np.float32)
        self._shapes = np.full((frames, shape_numbers), np.nan, dtype=np.float32)
        self._irises = np.full((frames, *IRISES), np.nan, dtype=np.float32)

    def add(self, row: FrameRow | None, decoded: bool, faces: int | None) -> None:
        """Add the next frame; row is None where no face was measured."""
        i = len(self._aus)
        self._aus.append(self._of_no_face if row is None else row.aus)
        self._decoded[i] = decoded
        if faces is not None:
            self._faces[i] = faces
        if row is None:
            return
        self._success[i] = True
        self._followed[i] = row.followed
        self._confidence[i] = row.confidence
        self._boxes[i] = row.box
        self._points[i] = row.points
        self._poses[i] = row.pose
        self._shapes[i] = row.shape
        if row.irises is not None:
            self._irises[i] = row.irises

    def finish(self) -> ChunkRows:
        """The rows; raises ValueError unless every frame was added."""
        if len(self._aus) != len(self._success):
            added = len(self._aus)
            raise ValueError(f"{added} frames were added to a chunk of {len(self._success)}")
        return ChunkRows(
            success=self._success,
            decoded=self._decoded,
            followed=self._followed,
            faces=self._faces,
            confidence=self._confidence,
            boxes=self._boxes,
            points=self._points,
            poses=self._poses,
            shapes=self._shapes,
            irises=self._irises,
            aus=type(self._of_no_face).joined(self._aus),
        )


def face_jumps(boxes: NDArray[np.float32]) -> int:
    """How often the measured face is elsewhere in the next frame: perhaps another person.

    boxes: (N, 4) of all frames of a recording, in order, NaN without a face. A jump: neighbouring
    frames have faces whose boxes do not overlap at all.
    """
    before, after = boxes[:-1], boxes[1:]
    beyond = (before[:, :2] >= after[:, 2:]) | (after[:, :2] >= before[:, 2:])
    return int(beyond.any(axis=1).sum())
