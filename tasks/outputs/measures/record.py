"""What run.json says of the clinical measures."""

import msgspec
import numpy as np

from tasks.outputs.measures.movements import Movement
from tasks.outputs.measures.recording import SIDE_KINDS, RecordingMeasures, unit_of
from tasks.outputs.measures.ruler import IRIS_MM
from workers.arrays import Floats
from workers.face.head_pose import TURNED_YAW
from workers.face.mirroring import SIDES

UNSTEADY = 0.05
"""A spread of the ruler that deserves a warning."""


ADULT_PUPILS = (50.0, 75.0)
"""mm: how far apart nearly all adults' pupils are (Dodgson, "Variation and extrema of human
interpupillary distance", 2004)."""


class RulerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The ruler: its unit and what that is; px_per_unit: the 5th, 50th and 95th percentile over the
    frames; frames: how many told it; spread: standard deviation of one frame's, as a share;
    pupils_apart: by this ruler, in a face that looks ahead, which shows whether it is right."""

    unit: str
    made_of: str
    px_per_unit: tuple[float, ...]
    frames: int
    spread: float
    pupils_apart: float | None


class RestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """When the face is at rest. frames: [start, stop); rule: how they were found; median, noise:
    of each measure there, its median and its standard deviation, by column, in its unit; a movement
    smaller than three of the latter is not called one."""

    frames: tuple[int, int]
    rule: str
    median: dict[str, float]
    noise: dict[str, float]


class MeasuresRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The clinical measures. inferred_irises: frames in which the left and the right iris centre
    was taken from the eye's corners; shut_eyes: in which these eyes are shut; rest:
    none where no face was measured."""

    ruler: RulerRecord
    inferred_irises: tuple[int, int]
    shut_eyes: tuple[int, int]
    rest: RestRecord | None
    movements: int
    warnings: tuple[str, ...]


def measures_record(measures: RecordingMeasures, found: list[Movement]) -> MeasuresRecord:
    """The record of a recording's measures and movements."""
    inferred, shut = (
        (int(left), int(right)) for left, right in (measures.inferred.sum(0), measures.shut.sum(0))
    )
    return MeasuresRecord(
        ruler=_ruler_record(measures),
        inferred_irises=inferred,
        shut_eyes=shut,
        rest=_rest_record(measures),
        movements=len(found),
        warnings=tuple(_warnings(measures)),
    )


def _ruler_record(measures: RecordingMeasures) -> RulerRecord:
    ruler = measures.ruler
    known = ruler.px[np.isfinite(ruler.px)]
    percentiles = np.percentile(known, (5, 50, 95)).round(3).tolist() if known.size else ()
    return RulerRecord(
        unit=ruler.unit,
        made_of=f"the diameter of the irises, {IRIS_MM} mm"
        if ruler.unit == "mm"
        else "the distance between the inner canthi: no iris of an open eye was seen",
        px_per_unit=tuple(percentiles),
        frames=ruler.frames,
        spread=round(ruler.spread, 4),
        pupils_apart=_pupils_apart(measures),
    )


def _pupils_apart(measures: RecordingMeasures) -> float | None:
    """The median over frames that show both irises in a face that looks ahead."""
    shown = (np.abs(measures.faces.yaws) <= TURNED_YAW) & ~measures.inferred.any(axis=1)
    known = measures.pupils_apart[shown & np.isfinite(measures.pupils_apart)]
    return round(float(np.median(known)), 2) if known.size else None


def _rest_record(measures: RecordingMeasures) -> RestRecord | None:
    rest = measures.rest
    if rest is None:
        return None
    medians: dict[str, float] = {}
    noise: dict[str, float] = {}
    for name, kind in SIDE_KINDS.items():
        values, unit = measures.of_sides[name], unit_of(kind, measures.ruler.unit)
        columns = [f"{side}_{name}_{unit}" for side in SIDES]
        medians |= _known(columns, rest.median(values))
        noise |= _known(columns, rest.noise(values))
    return RestRecord(
        frames=(rest.start, rest.stop),
        rule="as asked with --rest"
        if rest.asked
        else "the second that varies least, of the third nearest to the median posture",
        median=medians,
        noise=noise,
    )


def _known(columns: list[str], values: Floats) -> dict[str, float]:
    told = zip(columns, values.tolist(), strict=True)
    return {column: round(value, 5) + 0.0 for column, value in told if np.isfinite(value)}


def _warnings(measures: RecordingMeasures) -> list[str]:
    """One line each."""
    ruler, found = measures.ruler, []
    eyes_were_looked_for = bool(np.isfinite(measures.faces.rings).any())
    if ruler.unit != "mm" and eyes_were_looked_for:
        found.append(
            "no open eye's iris was seen in a face that looks ahead: lengths are in inner-canthal "
            "distances (icd), not in mm"
        )
    apart = _pupils_apart(measures)
    if ruler.unit == "mm" and apart is not None and not ADULT_PUPILS[0] <= apart <= ADULT_PUPILS[1]:
        found.append(
            f"by the irises the pupils are {apart:.0f} mm apart, adults' are "
            f"{ADULT_PUPILS[0]:.0f} to {ADULT_PUPILS[1]:.0f}: the irises were not seen at their "
            "true size, and all millimetres are wrong by the same factor"
        )
    if ruler.turned:
        found.append("the head never looks ahead: the scale of the clinical measures is too large")
    if ruler.spread > UNSTEADY:
        found.append(
            f"the irises' size varies by {100 * ruler.spread:.0f} % from frame to frame: "
            "millimetres are as uncertain"
            if ruler.unit == "mm"
            else f"the distance of the inner canthi varies by {100 * ruler.spread:.0f} % from "
            "frame to frame: the scale of the clinical measures is as uncertain"
        )
    return found
