"""NAME_measures.csv, NAME_movements.csv, and what run.json says of them."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from tasks.outputs.csv_files import fixed
from tasks.outputs.measures import tables as measure_tables
from tasks.outputs.measures.filmed_faces import BLOCK
from tasks.outputs.measures.movements import movements
from tasks.outputs.measures.record import measures_record
from tasks.outputs.measures.tables import (
    measure_header,
    movement_header,
    write_measures,
)
from tests.tasks.outputs.measures.filmed import (
    SWAYING,
    exercised,
    filmed,
    measured,
    still,
    without_faces,
    without_irises,
)
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.pose import FacePose

SHUT = Activations(SideActivations(au45=1.0), SideActivations(au45=1.0))
WIDE_OPEN = Activations(SideActivations(au25=1.0, au26=1.0), SideActivations(au25=1.0, au26=1.0))


@pytest.fixture
def tables(tmp_path):
    def write(faces, asked=None):
        found = measured(faces, asked)
        write_measures(found, movements(found), tmp_path / "smile")
        return tuple(
            list(csv.DictReader(io.StringIO((tmp_path / f"smile_{kind}.csv").read_text())))
            for kind in ("measures", "movements")
        )

    return write


def test_the_columns_are_named_with_side_and_unit():
    header = measure_header("mm")
    assert header[:5] == ["frame", "timestamp", "success", "yaw_deg", "pitch_deg"]
    for name in (
        *("left_commissure_excursion_mm", "right_smile_angle_deg", "dental_show_difference_mm"),
        *("left_mouth_area_mm2", "right_eye_closure_share", "left_nasolabial_excursion_mm"),
        *("upper_lip_height_deviation_mm", "oral_angle_deg", "chin_deviation_mm"),
    ):
        assert header.count(name) == 1, name
    assert len(set(header)) == len(header)
    others = measure_header("icd")
    assert "left_mouth_area_icd2" in others
    assert not any("_mm" in name for name in others)


def test_every_frame_has_its_row_with_the_measures_of_its_sides(tables):
    faces = exercised(SWAYING)
    rows, _ = tables(faces)
    found = measured(faces)
    assert [row["frame"] for row in rows] == [str(i) for i in range(len(faces))]
    for place, side in enumerate(("left", "right")):
        told = [float(row[f"{side}_brow_height_mm"]) for row in rows]
        np.testing.assert_allclose(told, found.of_sides["brow_height"][:, place], atol=6e-4)
    apart = [float(row["brow_height_difference_mm"]) for row in rows]
    np.testing.assert_allclose(apart, -np.diff(found.of_sides["brow_height"])[:, 0], atol=6e-4)
    assert {row["empty_because"] for row in rows} == {""}
    assert rows[7]["timestamp"] == "0.350000"


def test_nought_has_no_sign(tables):
    faces = exercised(SWAYING)
    rows, _ = tables(replace(faces, yaws=np.full(len(faces), -0.001)))
    assert {row["yaw_deg"] for row in rows} == {"0.00"}


def test_an_iris_of_a_shut_eye_is_marked_and_those_of_open_eyes_are_not(tables):
    weak = Activations(left=SideActivations(au45=0.2), right=SideActivations(au45=1.0))
    done = [Activations()] * 30 + [weak] * 10
    faces = filmed([FacePose(640.0, 360.0, 360.0)] * 40, done)
    faces.points[30:, 96] += 9.0  # the pupil that a model claims to see in a shut eye
    rows, _ = tables(faces)
    assert [row["right_iris_inferred"] for row in rows] == ["0"] * 30 + ["1"] * 10
    assert {row["left_iris_inferred"] for row in rows} == {"0"}
    # Where it is when the eye is open.
    for name in ("right_brow_height_mm", "left_commissure_excursion_mm"):
        assert float(rows[35][name]) == pytest.approx(float(rows[5][name]), abs=0.02)


def test_frames_without_a_face_are_empty_with_their_reason(tables):
    faces = without_faces(exercised(), slice(20, 23))
    faces.decoded[22] = False
    rows, _ = tables(faces)
    reasons = [row["empty_because"] for row in rows[19:24]]
    assert reasons == ["", "no face", "no face", "the frame could not be decoded", ""]
    assert rows[21]["success"] == "0"
    for name, cell in rows[21].items():
        if name not in ("frame", "timestamp", "success", "empty_because"):
            assert cell == "", name


def test_a_face_half_out_of_the_picture_says_so_and_keeps_what_is_inside(tables):
    # The right ear and the end of the right brow are beyond the picture's border.
    poses = [FacePose(640.0, 360.0, 360.0)] * 60 + [FacePose(100.0, 360.0, 360.0)] * 20
    rows, _ = tables(filmed(poses, [Activations()] * 80))
    assert rows[70]["empty_because"] == "a part of the face is outside the picture"
    assert rows[70]["right_brow_height_mm"] == ""
    for name in ("left_brow_height_mm", "left_palpebral_fissure_height_mm"):
        assert float(rows[70][name]) == pytest.approx(float(rows[10][name]), abs=0.05)


def test_a_curve_that_does_not_reach_leaves_a_gap_with_its_reason(tables):
    faces = still(20)
    faces.points[15, 42:47] += np.float32(90.0)  # the left brow is beside its eye
    rows, _ = tables(faces)
    assert rows[15]["left_brow_height_mm"] == ""
    assert rows[15]["empty_because"] == "a curve does not reach where it is measured"
    assert rows[14]["empty_because"] == ""


@pytest.mark.parametrize(
    "faces",
    [
        still(1),
        still(2, SHUT),
        still(40, SHUT),
        still(40, WIDE_OPEN),
        still(40, WIDE_OPEN, yaw=30.0, pitch=-15.0),
        still(40, yaw=-30.0, roll=40.0),
        without_irises(still(40, SHUT, yaw=30.0)),
        without_faces(still(5), slice(None)),
        filmed([FacePose(-90.0, 360.0, 360.0)] * 9, [Activations()] * 9),
    ],
    ids=["one frame", "two", "shut", "mouth open", "turned", "rolled", "no iris", "nobody", "out"],
)
def test_whatever_a_recording_shows_each_cell_is_a_number_or_has_its_reason(faces, tables):
    rows, _ = tables(faces)
    assert len(rows) == len(faces)
    told_unit = {name.rsplit("_", 1)[-1] for name in rows[0]} & {"mm", "icd"}
    assert len(told_unit) == 1
    for row in rows:
        cells = [cell for name, cell in row.items() if name != "empty_because"]
        assert bool(row["empty_because"]) == ("" in cells)
        assert "nan" not in cells
        assert "inf" not in cells


def test_points_that_lie_upon_each_other_are_no_error(tables):
    faces = still(30)
    faces.points[10:20] = 300.0
    rows, _ = tables(faces)
    assert rows[15]["empty_because"] != ""
    assert rows[25]["empty_because"] == ""


def test_a_long_recording_is_measured_as_a_short_one(tables):
    """Blocks of frames leave no trace."""
    done = [Activations(right=SideActivations(au12=i % 7 / 7)) for i in range(BLOCK + 30)]
    faces = filmed([FacePose(640.0, 360.0, 360.0)] * len(done), done)
    rows, _ = tables(faces, (0.0, 0.5))
    for i in (BLOCK - 1, BLOCK, BLOCK + 20):
        assert rows[i]["right_smile_angle_deg"] == rows[i % 7]["right_smile_angle_deg"]


def test_few_rows_are_text_at_a_time_and_it_does_not_show(tables, monkeypatch):
    faces = still(50)
    whole = tables(faces)
    longest = 0

    def watched(values, decimals):
        nonlocal longest
        longest = max(longest, len(values))
        return fixed(values, decimals)

    monkeypatch.setattr(measure_tables, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(measure_tables, "fixed", watched)
    assert tables(faces) == whole
    assert longest == 7


def test_movements_are_told_with_their_sides_and_units(tables):
    _, rows = tables(exercised())
    assert list(rows[0]) == movement_header()
    angles = [row for row in rows if row["measure"] == "smile_angle"]
    (smile,) = (row for row in angles if 9.0 < float(row["start_s"]) < 10.0)
    assert smile["unit"] == "deg"
    assert float(smile["left_excursion"]) < float(smile["right_excursion"])
    assert smile["stronger_side"] == "right"
    share = float(smile["left_excursion"]) / float(smile["right_excursion"])
    assert float(smile["ratio"]) == pytest.approx(share, abs=2e-3)
    frames = int(smile["start_frame"]), int(smile["stop_frame"])
    assert float(smile["start_s"]) == pytest.approx(frames[0] / 20)
    assert float(smile["stop_s"]) == pytest.approx((frames[1] - 1) / 20)


def test_the_record_says_what_the_numbers_hang_on():
    found = measured(exercised(noise=0.3))
    record = measures_record(found, movements(found))
    assert (record.ruler.unit, record.warnings) == ("mm", ())
    assert record.ruler.pupils_apart == pytest.approx(0.36 * 183.9, abs=0.3)
    assert "11.77" in record.ruler.made_of
    assert record.rest.frames == (found.rest.start, found.rest.stop)
    assert record.rest.noise["left_brow_height_mm"] > 0.0
    assert record.rest.median["right_palpebral_fissure_height_mm"] == pytest.approx(9.4, abs=0.3)
    assert record.inferred_irises[1] > record.inferred_irises[0]
    asked = measures_record(measured(exercised(), (0.0, 1.0)), [])
    assert asked.rest.rule == "as asked with --rest"


def test_the_record_of_nobody_is_one():
    record = measures_record(measured(without_faces(still(5), slice(None))), [])
    assert (record.rest, record.movements, record.ruler.px_per_unit) == (None, 0, ())


def test_what_is_wrong_with_a_scale_is_warned_of():
    turned = measures_record(measured(still(40, yaw=30.0)), [])
    assert any("never looks ahead" in warning for warning in turned.warnings)
    assert any("not in mm" in warning for warning in turned.warnings)
    faces = still(40)
    middles = faces.rings.mean(axis=2, keepdims=True)
    large = replace(faces, rings=(middles + (faces.rings - middles) * 1.4).astype(np.float32))
    told = measures_record(measured(large), [])
    assert told.ruler.pupils_apart == pytest.approx(0.36 * 183.9 / 1.4, abs=0.2)
    assert "the pupils are 47 mm apart" in told.warnings[0]
    without = measures_record(measured(without_irises(still(40))), [])
    assert without.warnings == ()  # this landmark model finds no irises: the columns' names say it
    faces = still(400)
    factors = 1.0 + 0.2 * np.random.default_rng(2).standard_normal((400, 1, 1, 1))
    middles = faces.rings.mean(axis=2, keepdims=True)
    loose = replace(faces, rings=(middles + (faces.rings - middles) * factors).astype(np.float32))
    assert "irises' size varies by" in measures_record(measured(loose), []).warnings[0]
