"""NAME_measures.csv and NAME_movements.csv."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.outputs.csv_files import csv_file, fixed
from tasks.outputs.measures.movements import Movement, SideMovement
from tasks.outputs.measures.recording import SIDE_KINDS, RecordingMeasures, unit_of
from tasks.outputs.measures.ruler import Unit
from workers.arrays import Floats
from workers.face.mirroring import SIDES
from workers.measures.face_measures import OF_THE_FACE

MEASURES_FILE, MOVEMENTS_FILE = "measures.csv", "movements.csv"
FRAME_COLUMNS = (
    *("frame", "timestamp", "success", "yaw_deg", "pitch_deg"),
    *("left_iris_inferred", "right_iris_inferred", "left_eye_shut", "right_eye_shut"),
    "empty_because",
)
OF_A_MOVEMENT = ("onset_s", "peak_s", "excursion", "speed_per_s")
DECIMALS = {"mm": 3, "mm2": 2, "deg": 2, "share": 4, "icd": 5, "icd2": 6}

ROWS_AT_ONCE = 2048
"""As text a frame takes 2 kB: all of an hour's would be as large as a worker may be."""

OUTSIDE = "a part of the face is outside the picture"
OUT_OF_REACH = "a curve does not reach where it is measured"
NO_SCALE = "nothing tells how large the face is"


def measure_header(unit: Unit) -> list[str]:
    """The columns of the table of measures: each side's, the difference left minus right, then
    what the face has once."""
    columns = [*FRAME_COLUMNS]
    for name, kind in SIDE_KINDS.items():
        said = unit_of(kind, unit)
        columns += [f"{side}_{name}_{said}" for side in SIDES]
        columns.append(f"{name}_difference_{said}")
    return [*columns, *(f"{name}_{unit_of(kind, unit)}" for name, kind in OF_THE_FACE.items())]


def measure_rows(measures: RecordingMeasures) -> Iterator[list[str]]:
    """The rows under `measure_header`, one for each frame."""
    unit, faces = measures.ruler.unit, measures.faces
    columns: list[tuple[Floats, int]] = []
    for name, kind in SIDE_KINDS.items():
        left, right = measures.of_sides[name].T
        digits = DECIMALS[unit_of(kind, unit)]
        columns += [(left, digits), (right, digits), (left - right, digits)]
    columns += [
        (measures.of_face[name], DECIMALS[unit_of(kind, unit)])
        for name, kind in OF_THE_FACE.items()
    ]
    turned = [(faces.yaws, 2), (faces.pitches, 2)]
    for start in range(0, len(faces), ROWS_AT_ONCE):
        block = slice(start, start + ROWS_AT_ONCE)
        by_column = [_cells(values[block], digits) for values, digits in (*turned, *columns)]
        for i, (yaw, pitch, *cells) in enumerate(zip(*by_column, strict=True), start):
            yield [
                *(str(i), f"{faces.times[i]:.6f}", str(int(faces.success[i]))),
                *(yaw, pitch),
                *(
                    str(int(flag)) if faces.success[i] else ""
                    for flag in (*measures.inferred[i], *measures.shut[i])
                ),
                _reason(measures, i) if "" in cells else "",
                *cells,
            ]


def _reason(measures: RecordingMeasures, i: int) -> str:
    """Why something is empty in a frame."""
    faces = measures.faces
    if not faces.decoded[i]:
        return "the frame could not be decoded"
    if not faces.success[i]:
        return "no face"
    if measures.outside[i]:
        return OUTSIDE
    return OUT_OF_REACH if np.isfinite(measures.ruler.px[i]) else NO_SCALE


def movement_header() -> list[str]:
    """The columns of the table of movements."""
    of_sides = [f"{side}_{name}" for side in SIDES for name in OF_A_MOVEMENT]
    first = ("measure", "unit", "start_frame", "stop_frame", "start_s", "stop_s")
    return [*first, *of_sides, "left_later_by_s", "stronger_side", "ratio"]


def movement_rows(measures: RecordingMeasures, found: list[Movement]) -> Iterator[list[str]]:
    """The rows under `movement_header`."""
    times = measures.faces.times
    for one in found:
        unit = unit_of(SIDE_KINDS[one.measure], measures.ruler.unit)
        yield [
            *(one.measure, unit, str(one.start), str(one.stop)),
            *(f"{times[one.start]:.6f}", f"{times[one.stop - 1]:.6f}"),
            *(cell for side in SIDES for cell in _side_cells(one.sides[side], DECIMALS[unit])),
            *(_cell(one.apart, 3), one.stronger or "", _cell(one.ratio, 3)),
        ]


def _side_cells(side: SideMovement | None, digits: int) -> list[str]:
    if side is None:
        return [""] * len(OF_A_MOVEMENT)
    times = (_cell(side.onset, 3), _cell(side.peak, 3))
    return [*times, _cell(side.excursion, digits), _cell(side.speed, digits)]


def _cell(value: float | None, digits: int) -> str:
    if value is None or not np.isfinite(value):
        return ""
    said = f"{value:.{digits}f}"
    return said.removeprefix("-") if float(said) == 0.0 else said


def _cells(values: Floats, digits: int) -> list[str]:
    """As `_cell`, of many."""
    nought = f"{0.0:.{digits}f}"
    minus = f"-{nought}"
    return [nought if said == minus else said for said in fixed(values, digits)]


def write_measures(measures: RecordingMeasures, found: list[Movement], stem: Path) -> None:
    """Write both tables. stem: the folder and the name that all files begin with."""
    header = measure_header(measures.ruler.unit)
    with csv_file(Path(f"{stem}_{MEASURES_FILE}"), header) as table:
        table.add(measure_rows(measures))
    with csv_file(Path(f"{stem}_{MOVEMENTS_FILE}"), movement_header()) as table:
        table.add(movement_rows(measures, found))
