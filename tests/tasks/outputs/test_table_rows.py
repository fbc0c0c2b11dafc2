"""The tables made of a chunk's numbers."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from tasks.outputs.table_rows import AU_HEADER, au_rows, landmark_header, landmark_rows
from tests.chunk_rows import row, rows_of
from workers.aus.labels import COLUMNS, au_sources


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


def test_an_eye_is_closed_beyond_half_of_its_scale():
    rows = rows_of(row(au45=(2.4, 2.6)))
    assert [cells(rows, side)[0]["AU45_c"] for side in (0, 1)] == ["0", "1"]


def test_scores_of_a_frame_without_a_face_are_never_told():
    measured = rows_of(row())
    (line,) = cells(replace(measured, success=np.array([False])), side=0)
    assert not any(line[column] for column in AU_HEADER[5:])


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


@pytest.mark.parametrize(
    ("labels", "columns"),
    [
        ("openface3", "AU01 AU02 AU04 AU06 AU09 AU12 AU25 AU26"),
        ("face-mirror-1", "AU01 AU02 AU04 AU06 AU12 AU15 AU20 AU25"),
    ],
)
def test_each_score_of_the_head_is_in_the_column_of_its_label(labels, columns):
    """The head gives 0.1, 0.2, ... 0.8."""
    scores = np.arange(1, 9, dtype=np.float32) / 10
    made = row()
    aus = dataclasses.replace(made.aus, head_scores=np.stack([[scores, scores[::-1]]]))
    (line,) = cells(rows_of(dataclasses.replace(made, aus=aus)), side=0, labels=labels)
    given = {au: float(line[f"{au}_r"]) for au in COLUMNS if line[f"{au}_r"] and au != "AU45"}
    assert given == dict(
        zip(columns.split(), (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), strict=True)
    )


def test_a_number_that_is_not_one_is_left_empty():
    (line,) = cells(rows_of(row(au45=(float("nan"), 0.0))), side=0)
    assert line["AU45_r"] == line["AU45_c"] == ""


def test_landmarks_are_given_with_their_box_and_the_heads_angles():
    lines = list(landmark_rows(rows_of(row(), None), 0, [0.0, 0.04]))
    header = landmark_header(68)
    assert len(header) == 7 + 3 + 136
    first = dict(zip(header, lines[0], strict=True))
    assert (first["x2"], first["y_67"]) == ("10.00", "3.00")
    assert (first["yaw"], first["pitch"], first["roll"]) == ("4.00", "-5.00", "6.00")
    assert set(lines[1][3:]) == {""}


def test_the_fast_way_tells_where_the_landmark_model_looked():
    rows = rows_of(row(), replace(row(), followed=True), None)
    header = landmark_header(68, fast=True)
    lines = landmark_rows(rows, 0, [0.0, 0.04, 0.08], fast=True)
    told = [dict(zip(header, line, strict=True)) for line in lines]
    assert [line["followed"] for line in told] == ["0", "1", ""]
    assert told[1]["x1"] == "0.00"


def test_irises_are_told_where_the_landmarks_are_the_trackers():
    rows = rows_of(row(), row())
    assert len(landmark_header(68)) == len(next(landmark_rows(rows, 0, [0.0, 0.04])))
    irises = np.arange(2 * 32, dtype=np.float32).reshape(2, 2, 8, 2)
    irises[1, 1] = np.nan
    tracked = replace(rows, shapes=np.ones((2, 12), np.float32), irises=irises)
    header = landmark_header(68, 12)
    told = [dict(zip(header, line, strict=True)) for line in landmark_rows(tracked, 0, [0.0, 0.04])]
    assert [told[0][f"left_iris_{name}"] for name in ("x_0", "y_0", "x_1")] == [
        "0.00",
        "1.00",
        "2.00",
    ]
    assert (told[0]["right_iris_x_0"], told[0]["right_iris_y_7"]) == ("16.00", "31.00")
    assert (told[1]["left_iris_x_0"], told[1]["right_iris_x_0"]) == ("32.00", "")
