"""Rows of OpenFace 2's AU tables.

A frame without a face has success 0, and the AUs that OpenFace gives it: 0, or a little more beside
a frame with a face, because intensities are averaged over three frames.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.outputs.csv_files import fixed
from tasks.outputs.table_rows import (
    CAMERA_POSE,
    EMPTY,
    FRAME_COLUMNS,
    exact_cells,
    frame_cells,
    shape_header,
)
from workers.aus.labels import COLUMNS
from workers.aus.openface2.evidence import ChunkEvidence
from workers.aus.openface2.recording import RecordingAus
from workers.chunk.rows import ChunkRows

NOT_GIVEN = "AU16"
PRESENCE_ONLY = "AU28"
NO_CAMERA = np.zeros(0, dtype=np.float32)
OPENFACE2_COLUMNS = tuple(au for au in COLUMNS if au != NOT_GIVEN)


def _with_presence_only(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*columns, PRESENCE_ONLY}))


MIRRORED_HEADER = (
    *FRAME_COLUMNS,
    *(f"{au}_r" for au in COLUMNS),
    *(f"{au}_c" for au in _with_presence_only(COLUMNS)),
)


def original_header(points: int, local: int, tracked: bool) -> tuple[str, ...]:
    """OpenFace 2's own columns, in its order, as far as they are measured here.

    For P landmarks (px) and M shape parameters; tracked: the landmarks are its own tracker's, and
    come with the head's place before the camera (mm, radians).
    """
    return (
        *FRAME_COLUMNS,
        *(CAMERA_POSE if tracked else ()),
        *(f"{axis}_{i}" for axis in "xy" for i in range(points)),
        *shape_header(local),
        *(f"{au}_r" for au in OPENFACE2_COLUMNS),
        *(f"{au}_c" for au in _with_presence_only(OPENFACE2_COLUMNS)),
    )


def mirrored_rows(
    chunk: ChunkRows, aus: RecordingAus, first: int, timestamps: Sequence[float]
) -> Iterator[list[str]]:
    """The rows of a chunk under MIRRORED_HEADER.

    aus: of one side, the whole recording; first, timestamps: as in `table_rows.au_rows`.
    """
    for i, timestamp in enumerate(timestamps):
        yield [*frame_cells(chunk, i, first, timestamp), *_au_cells(aus, first + i, COLUMNS)]


def original_rows(
    chunk: ChunkRows, aus: RecordingAus, first: int, timestamps: Sequence[float]
) -> Iterator[list[str]]:
    """The rows of a chunk under `original_header`; raises TypeError unless it has evidence."""
    if not isinstance(chunk.aus, ChunkEvidence):
        raise TypeError(f"the chunk has {type(chunk.aus).__name__}, not evidence")
    for i, timestamp in enumerate(timestamps):
        evidence = chunk.aus.face(i, 0)
        shape, camera = np.concatenate([evidence.pose, evidence.local]), NO_CAMERA
        if chunk.shapes.size:
            shape, camera = np.split(chunk.shapes[i], [-len(CAMERA_POSE)])
        numbers = [
            *exact_cells(camera),
            *fixed(chunk.points[i].T.reshape(-1), 2),
            *exact_cells(shape),
        ]
        yield [
            *frame_cells(chunk, i, first, timestamp),
            *(numbers if chunk.success[i] else [EMPTY] * len(numbers)),
            *_au_cells(aus, first + i, OPENFACE2_COLUMNS),
        ]


def _au_cells(aus: RecordingAus, frame: int, columns: tuple[str, ...]) -> list[str]:
    """Strengths, then presences, of a frame; what the models do not give is empty."""
    strengths = dict(zip(aus.intensity_aus, fixed(aus.intensities[frame], 4), strict=True))
    presences = dict(zip(aus.presence_aus, aus.presences[frame].tolist(), strict=True))
    return [
        *(strengths.get(au, EMPTY) for au in columns),
        *(
            str(int(presences[au])) if au in presences else EMPTY
            for au in _with_presence_only(columns)
        ),
    ]
