"""Rows of the tables: one AU table for each side, and the landmarks."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.outputs.csv_files import fixed
from workers.aus.labels import COLUMNS, HEAD_LABELS, PRESENT_AU45, PRESENT_SCORE, AuLabels
from workers.aus.occurrence_scores import OccurrenceScores
from workers.chunk.rows import ChunkRows
from workers.face.mirroring import SIDES

FRAME_COLUMNS = ("frame", "face_id", "timestamp", "confidence", "success")
AU_HEADER = (
    *FRAME_COLUMNS,
    *(f"{au}_r" for au in COLUMNS),
    *(f"{au}_c" for au in COLUMNS),
)
BOX_AND_POSE = ("x1", "y1", "x2", "y2", "yaw", "pitch", "roll")
CAMERA_POSE = ("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz")
EMPTY = ""


def au_rows(
    chunk: ChunkRows, first: int, timestamps: Sequence[float], side: int, labels: AuLabels
) -> Iterator[list[str]]:
    """The rows of a chunk under AU_HEADER; raises TypeError unless it has occurrence scores.

    first: index of the chunk's first frame in the recording; timestamps: s, one for each frame of
    the chunk; side: 0 left, 1 right. A frame without a face has success 0 and empty AUs, and an AU
    that the model does not give is empty.
    """
    if not isinstance(chunk.aus, OccurrenceScores):
        raise TypeError(f"the chunk has {type(chunk.aus).__name__}, not occurrence scores")
    strengths, presences = _by_column(chunk.aus, side, labels)
    for i, timestamp in enumerate(timestamps):
        cells = frame_cells(chunk, i, first, timestamp)
        if not chunk.success[i]:
            yield [*cells, *[EMPTY] * (2 * len(COLUMNS))]
            continue
        given = strengths[i]
        present = presences[i].tolist()
        flags = (str(int(p)) if said else EMPTY for p, said in zip(present, given, strict=True))
        yield [*cells, *given, *flags]


def frame_cells(chunk: ChunkRows, i: int, first: int, timestamp: float) -> list[str]:
    """Frame i of a chunk under FRAME_COLUMNS; first, timestamp: as in `au_rows`."""
    success = str(int(chunk.success[i]))
    return [str(first + i), "0", _seconds(timestamp), f"{chunk.confidence[i]:.4f}", success]


def _by_column(
    aus: OccurrenceScores, side: int, labels: AuLabels
) -> tuple[list[list[str]], NDArray[np.bool_]]:
    """Strengths, for people, and presences (n, columns) of n frames under COLUMNS; a strength is
    empty where the model gives none."""
    places = {au: place for place, au in enumerate(HEAD_LABELS[labels])}
    values = np.full((len(aus.au45), len(COLUMNS)), np.nan)
    limits = np.full(len(COLUMNS), PRESENT_SCORE)
    for column, au in enumerate(COLUMNS):
        if au == "AU45":
            values[:, column], limits[column] = aus.au45[:, side], PRESENT_AU45
        elif au in places:
            values[:, column] = aus.head_scores[:, side, places[au]]
    return [fixed(row, 4) for row in values], values > limits


def shape_header(local: int) -> tuple[str, ...]:
    """OpenFace 2's names for a shape fit of M parameters: scale (px per mm), angles (radians),
    translation (px)."""
    pose = ("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty")
    return (*pose, *(f"p_{i}" for i in range(local)))


IRIS_COLUMNS = tuple(f"{side}_iris_{axis}_{i}" for side in SIDES for i in range(8) for axis in "xy")
"""The points of `ChunkRows.irises`, px."""


def landmark_header(points: int, shape_numbers: int = 0, fast: bool = False) -> list[str]:
    """The header of the landmark table for P points.

    shape_numbers: how many `FrameRow.shape` has; 0 where the landmarks come without a shape, and
    without irises; fast: with a column that says where the landmark model did not look.
    """
    coordinates = [f"{axis}_{i}" for i in range(points) for axis in "xy"]
    local = shape_numbers - len(shape_header(0)) - len(CAMERA_POSE)
    shape = (*shape_header(local), *CAMERA_POSE, *IRIS_COLUMNS) if shape_numbers else ()
    frame = ("frame", "timestamp", "confidence", *(("followed",) if fast else ()))
    return [*frame, *BOX_AND_POSE, *coordinates, *shape]


def landmark_rows(
    chunk: ChunkRows, first: int, timestamps: Sequence[float], fast: bool = False
) -> Iterator[list[str]]:
    """Rows under `landmark_header`: face box and points in px of the upright frame, as found in it
    alone, unless `followed` is 1 (0: the landmark model looked); the head's yaw, pitch and roll in
    degrees (see `workers.face.head_pose.HeadPose`); and OpenFace 2's shape, its place before the
    camera and the irises, where the landmarks are its tracker's."""
    tracked = chunk.shapes.shape[1] > 0
    points = chunk.points.reshape(len(chunk), -1)
    numbers = np.concatenate([chunk.boxes, chunk.poses, points], axis=1)
    for i, timestamp in enumerate(timestamps):
        frame = [str(first + i), _seconds(timestamp), f"{chunk.confidence[i]:.4f}"]
        if fast:
            frame.append(str(int(chunk.followed[i])) if chunk.success[i] else EMPTY)
        irises = fixed(chunk.irises[i].reshape(-1), 2) if tracked else []
        yield [*frame, *fixed(numbers[i], 2), *exact_cells(chunk.shapes[i]), *irises]


def exact_cells(values: NDArray[np.float32]) -> list[str]:
    """Numbers of unlike sizes, with as many digits as OpenFace 2 writes; empty where none."""
    return [f"{value:.6g}" if np.isfinite(value) else EMPTY for value in values]


def _seconds(timestamp: float) -> str:
    return f"{timestamp:.6f}"
