"""From evidence on Redis to rows: OpenFace 2's tables."""

import numpy as np
import pytest

from tasks.outputs.openface2_rows import (
    MIRRORED_HEADER,
    mirrored_rows,
    original_header,
    original_rows,
)
from workers.aus.labels import COLUMNS
from workers.aus.occurrence_scores import OccurrenceScores
from workers.aus.openface2.evidence import ChunkEvidence, FaceEvidence
from workers.aus.openface2.recording import RecordingAus
from workers.chunk.rows import ChunkRows, ChunkRowsBuilder, FrameRow

AUS = RecordingAus(
    intensity_aus=("AU01", "AU12"),
    presence_aus=("AU12", "AU28"),
    intensities=np.array([[9.0, 9.0], [0.5, 4.25], [0.25, 0.0]]),
    presences=np.array([[True, True], [True, False], [False, True]]),
)


def evidence(value: float) -> FaceEvidence:
    return FaceEvidence(
        responses=np.full(3, value, np.float32),
        pose=np.arange(6, dtype=np.float32),
        local=np.full(34, value, np.float32),
        hog_bins=np.full(4464, int(value), np.uint16),
    )


def chunk(faces: int) -> ChunkRows:
    """Two frames: a face, and none."""
    builder = ChunkRowsBuilder(2, 68, ChunkEvidence.of_no_face(faces, 3, 34))
    aus = ChunkEvidence.of_frame([evidence(3.0 + face) for face in range(faces)])
    points = np.stack([np.arange(68.0), 100 + np.arange(68.0)], axis=1)
    builder.add(FrameRow(0.9, np.zeros(4), points, np.zeros(3), aus), decoded=True, faces=1)
    builder.add(None, decoded=True, faces=0)
    return builder.finish()


def test_evidence_comes_back_from_its_bytes():
    rows = chunk(faces=2)
    back = ChunkRows.from_bytes(rows.to_bytes())
    assert isinstance(back.aus, ChunkEvidence)
    for face in range(2):
        found = back.aus.face(0, face)
        np.testing.assert_array_equal(found.responses, np.full(3, 3.0 + face))
        np.testing.assert_array_equal(found.hog_bins, np.full(4464, 3 + face))
    assert not back.aus.face(1, 0).responses.any()
    assert rows.to_bytes() == back.to_bytes()


def test_the_mirrored_tables_have_the_projects_columns_and_au28():
    assert len(MIRRORED_HEADER) == 5 + 18 + 19
    assert MIRRORED_HEADER[5:23] == tuple(f"{au}_r" for au in COLUMNS)
    assert MIRRORED_HEADER[-3:] == ("AU26_c", "AU28_c", "AU45_c")


def test_rows_of_a_chunk_take_their_frames_of_the_recording():
    lines = [
        dict(zip(MIRRORED_HEADER, line, strict=True))
        for line in mirrored_rows(chunk(faces=2), AUS, 1, [0.04, 0.08])
    ]
    assert (lines[0]["frame"], lines[0]["success"]) == ("1", "1")
    assert (lines[0]["AU01_r"], lines[0]["AU12_r"]) == ("0.5000", "4.2500")
    assert (lines[0]["AU12_c"], lines[0]["AU28_c"]) == ("1", "0")
    given = {"AU01_r", "AU12_r", "AU12_c", "AU28_c"}
    assert {column for column in MIRRORED_HEADER[5:] if lines[0][column]} == given


def test_a_frame_without_a_face_has_what_openface_gives_it():
    _, line = mirrored_rows(chunk(faces=2), AUS, 1, [0.04, 0.08])
    cells = dict(zip(MIRRORED_HEADER, line, strict=True))
    assert (cells["success"], cells["confidence"]) == ("0", "0.0000")
    assert (cells["AU01_r"], cells["AU12_r"], cells["AU28_c"]) == ("0.2500", "0.0000", "1")


def test_the_original_faces_table_is_in_openfaces_order():
    header = original_header(68, 34, tracked=False)
    assert len(header) == 5 + 136 + 6 + 34 + 17 + 18
    assert header[5:7] == ("x_0", "x_1")
    assert header[73] == "y_0"
    assert header[141:149] == (*("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty", "p_0", "p_1"),)
    assert "AU16_r" not in header
    assert header[-3:] == ("AU26_c", "AU28_c", "AU45_c")
    found, missed = (
        dict(zip(header, line, strict=True))
        for line in original_rows(chunk(faces=1), AUS, 1, [0.04, 0.08])
    )
    assert (found["x_5"], found["y_5"], found["p_ty"], found["p_33"]) == (
        *("5.00", "105.00", "5", "3"),
    )
    assert (missed["x_5"], missed["p_0"], missed["AU01_r"]) == ("", "", "0.2500")


def test_a_chunk_of_the_other_method_is_refused():
    builder = ChunkRowsBuilder(1, 68, OccurrenceScores.of_no_face())
    builder.add(None, decoded=True, faces=0)
    with pytest.raises(TypeError, match="has OccurrenceScores, not evidence"):
        list(original_rows(builder.finish(), AUS, 1, [0.0]))
