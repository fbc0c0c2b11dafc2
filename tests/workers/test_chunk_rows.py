"""The bytes of a chunk's numbers, and the tables made of them."""

import numpy as np
import pytest

from workers.aus.labels import COLUMNS, au_sources
from workers.aus.occurrence_scores import OccurrenceScores
from workers.aus.table import AU_HEADER, au_rows, landmark_header, landmark_rows
from workers.chunk_rows import ChunkRows, ChunkRowsBuilder, FrameRow, face_jumps


def row(score=0.25, x=0.0, au45=(0.0, 5.0)):
    return FrameRow(
        confidence=0.9,
        box=np.array([x, 0.0, x + 10, 10.0]),
        points=np.full((68, 2), 3.0),
        aus=OccurrenceScores(
            head_scores=np.stack([[np.full(8, score), np.full(8, 1 - score)]]).astype(np.float32),
            au45=np.array([au45], dtype=np.float32),
        ),
    )


def rows_of(*frames) -> ChunkRows:
    builder = ChunkRowsBuilder(len(frames), 68, OccurrenceScores.of_no_face())
    for frame in frames:
        builder.add(frame, decoded=True, faces=None)
    return builder.finish()


def test_bytes_come_back_as_the_same_arrays_and_are_the_same_each_time():
    rows = rows_of(row(), None, row(0.75))
    back = ChunkRows.from_bytes(rows.to_bytes())
    np.testing.assert_array_equal(back.success, [True, False, True])
    np.testing.assert_array_equal(back.aus.head_scores, rows.aus.head_scores)
    assert rows.to_bytes() == back.to_bytes()


def test_a_chunk_with_a_frame_too_few_is_refused():
    builder = ChunkRowsBuilder(2, 68, OccurrenceScores.of_no_face())
    builder.add(row(), decoded=True, faces=1)
    with pytest.raises(ValueError, match="1 frames were added to a chunk of 2"):
        builder.finish()


def cells(rows, side, labels="openface3"):
    made = list(au_rows(rows, 7, [0.0, 0.04][: len(rows)], side, labels))
    return [dict(zip(AU_HEADER, line, strict=True)) for line in made]


def test_the_header_is_openface_2s():
    assert len(AU_HEADER) == 5 + 18 + 18
    assert AU_HEADER[:6] == ("frame", "face_id", "timestamp", "confidence", "success", "AU01_r")
    assert AU_HEADER[-1] == "AU45_c"


def test_a_measured_frame_has_the_heads_aus_and_au45_and_nothing_else():
    (line,) = cells(rows_of(row(0.75)), side=0)
    given = {"AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26", "AU45"}
    assert {au for au in COLUMNS if line[f"{au}_r"]} == given
    assert {au for au in COLUMNS if line[f"{au}_c"]} == given
    assert (line["frame"], line["success"], line["confidence"]) == ("7", "1", "0.9000")
    assert (line["AU12_r"], line["AU12_c"]) == ("0.7500", "1")
    assert (line["AU45_r"], line["AU45_c"]) == ("0.0000", "0")


def test_the_sides_are_not_mixed_up():
    (right,) = cells(rows_of(row(0.75)), side=1)
    assert (right["AU12_r"], right["AU12_c"]) == ("0.2500", "0")
    assert (right["AU45_r"], right["AU45_c"]) == ("5.0000", "1")


def test_a_frame_without_a_face_is_empty_not_zero():
    _, line = cells(rows_of(row(), None), side=0)
    assert (line["frame"], line["timestamp"], line["success"]) == ("8", "0.040000", "0")
    assert not any(line[column] for column in AU_HEADER[5:])


def test_the_old_labels_are_the_first_face_mirrors():
    (line,) = cells(rows_of(row()), side=0, labels="face-mirror-1")
    given = {au for au in COLUMNS if line[f"{au}_r"]}
    assert given == {"AU01", "AU02", "AU04", "AU06", "AU12", "AU15", "AU20", "AU25", "AU45"}
    assert "known to be wrong" in au_sources("face-mirror-1")["AU15"]


def test_a_number_that_is_not_one_is_left_empty():
    (line,) = cells(rows_of(row(au45=(float("nan"), 0.0))), side=0)
    assert line["AU45_r"] == line["AU45_c"] == ""


def test_landmarks_are_given_with_their_box():
    lines = list(landmark_rows(rows_of(row(), None), 0, [0.0, 0.04]))
    header = landmark_header(68)
    assert len(header) == 7 + 136
    first = dict(zip(header, lines[0], strict=True))
    assert (first["x2"], first["y_67"]) == ("10.00", "3.00")
    assert set(lines[1][3:]) == {""}


def test_a_face_that_is_suddenly_elsewhere_is_counted():
    near, far = row(x=0), row(x=200)
    assert face_jumps(rows_of(near, near, far, far, near).boxes) == 2
    assert face_jumps(rows_of(near, None, far).boxes) == 0
