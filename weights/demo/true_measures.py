"""The phantom's clinical measures in truth, in mm.

Nothing here is shared with what measures patients: outlines are followed in short straight steps,
in the face's own frame, in which the midline is x = 0. What lies between the phantom's points is a
convention: here it is the cubic spline that the measures are defined by (ops/MEASURES.md). The
picture is drawn by a simpler curve through the same points.
"""

from dataclasses import dataclass

import numpy as np

from weights.demo.drawing import IRIS_RADIUS
from weights.demo.face_shape import (
    CHIN,
    SIDES,
    Activations,
    Floats,
    Side,
    face_points,
    mirror_partners,
)
from weights.demo.pose import FacePose

IRIS_MM = 11.77
"""The iris's diameter: the mean of adults."""

MM = IRIS_MM / (2.0 * IRIS_RADIUS)
"""mm in a unit of the face: what makes the drawn iris as large as that."""

_PARTNER = mirror_partners()
_FINE = 2000
"""Straight steps from one point to the next."""

_PUPIL, _ALAR_BASE, _PHILTRUM = 96, 55, 79
_BROW, _UPPER_LID, _LOWER_LID = (33, 34, 35, 36, 37), (60, 61, 62, 63, 64), (60, 67, 66, 65, 64)
_UPPER_LIP, _LOWER_LIP = (76, 77, 78, 79, 80, 81, 82), (76, 87, 86, 85, 84, 83, 82)
_INNER_UPPER, _INNER_LOWER = (88, 89, 90, 91, 92), (88, 95, 94, 93, 92)
"""The patient's right; the left ones are their counterparts. From the outer end inwards."""


@dataclass(frozen=True, slots=True)
class TrueMeasures:
    """of_sides: by SIDES, of_face: mm, mm² or degrees, named as in the tables."""

    of_sides: dict[str, tuple[float, float]]
    of_face: dict[str, float]


def true_measures(activations: Activations) -> TrueMeasures:
    """The measures of a face that does this."""
    points = face_points(activations)
    left, right = (_of_side(points, side) for side in SIDES)
    corners = [_own(points, side, (76,))[0] for side in SIDES]
    tilt = np.arctan2(corners[1][1] - corners[0][1], corners[0][0] + corners[1][0])
    heights = ("commissure_height", "upper_lip_height", "lower_lip_height")
    return TrueMeasures(
        of_sides={name: (left[name], right[name]) for name in left if name not in heights},
        of_face={
            **{f"{name}_deviation": left[name] - right[name] for name in heights},
            "oral_angle": float(np.degrees(tilt)),
            "philtrum_deviation": float(points[_PHILTRUM, 0]) * MM,
            "chin_deviation": float(points[CHIN, 0]) * MM,
        },
    )


def iris_rings(pose: FacePose, activations: Activations) -> Floats:
    """(2, 8, 2) px: points around the left and the right iris of `render(pose, activations, ...)`,
    whether or not a lid covers them."""
    points = face_points(activations)
    angles = np.arange(8) * np.pi / 4.0
    circle = IRIS_RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    pupils = points[[_PARTNER[_PUPIL], _PUPIL]]
    return np.stack([pose.place(pupil + circle) for pupil in pupils])


def _own(points: Floats, side: Side, chain: tuple[int, ...]) -> Floats:
    """A chain of the right side's points, or of their counterparts, with x outwards."""
    own = points[list(chain)] if side == "right" else points[_PARTNER[list(chain)]]
    return own * np.array([-1.0 if side == "right" else 1.0, 1.0])


def _line(points: Floats, side: Side, chain: tuple[int, ...]) -> Floats:
    """The outline (m, 2) through them: lips by a length in which heights count half, lids and brows
    along x."""
    own = _own(points, side, chain)
    steps = np.diff(own, axis=0)
    lips = chain[0] in (_UPPER_LIP[0], _INNER_UPPER[0])
    return spline(own, np.hypot(steps[:, 0], steps[:, 1] / 2.0) if lips else np.abs(steps[:, 0]))


def spline(points: Floats, apart: Floats) -> Floats:
    """The cubic spline (m, 2) through points (K, 2) whose parameters lie `apart` (K - 1,).

    Its second derivative is constant in the first and in the last piece.
    """
    count = len(points)
    equations, changes = np.zeros((count, count)), np.zeros((count, 2))
    slopes = np.diff(points, axis=0) / apart[:, None]
    equations[0, :2] = equations[-1, -2:] = 1.0, -1.0
    for k in range(1, count - 1):
        equations[k, k - 1 : k + 2] = apart[k - 1], 2.0 * (apart[k - 1] + apart[k]), apart[k]
        changes[k] = 6.0 * (slopes[k] - slopes[k - 1])
    bends = np.linalg.solve(equations, changes)
    t = np.linspace(0.0, 1.0, _FINE + 1)[:-1, None]
    pieces = [
        (1.0 - t) * points[k]
        + t * points[k + 1]
        + length**2 / 6.0 * (((1.0 - t) ** 3 - 1.0 + t) * bends[k] + (t**3 - t) * bends[k + 1])
        for k, length in enumerate(apart)
    ]
    return np.concatenate([*pieces, points[-1:]])


def _y_at(line: Floats, x: float) -> float:
    order = np.argsort(line[:, 0], kind="stable")
    return float(np.interp(x, line[order, 0], line[order, 1]))


def _of_side(points: Floats, side: Side) -> dict[str, float]:
    """Lengths in mm; y runs down, so that heights are negative."""
    pupil, corner, alar = _own(points, side, (_PUPIL, _UPPER_LIP[0], _ALAR_BASE))
    upper_lid, lower_lid = _line(points, side, _UPPER_LID), _line(points, side, _LOWER_LID)
    upper, lower = _line(points, side, _UPPER_LIP), _line(points, side, _LOWER_LIP)
    inner = _line(points, side, _INNER_UPPER), _line(points, side, _INNER_LOWER)
    halfway = (upper_lid[0, 0] + upper_lid[-1, 0]) / 2.0
    away = corner - [0.0, _y_at(lower, 0.0)]
    apart = np.hypot(*(upper - corner).T)
    half = upper[np.argmax(apart >= abs(corner[0]) / 2.0)]
    lengths = {
        "commissure_excursion": float(np.hypot(*away)),
        "marginal_reflex_distance_1": pupil[1] - _y_at(upper_lid, pupil[0]),
        "marginal_reflex_distance_2": _y_at(lower_lid, pupil[0]) - pupil[1],
        "palpebral_fissure_height": _y_at(lower_lid, halfway) - _y_at(upper_lid, halfway),
        "brow_height": pupil[1] - _y_at(_line(points, side, _BROW), pupil[0]),
        "dental_show": max(0.0, _y_at(inner[1], half[0]) - _y_at(inner[0], half[0])),
        "alar_base_drop": alar[1] - pupil[1],
        "commissure_height": pupil[1] - corner[1],
        "upper_lip_height": pupil[1] - half[1],
        "lower_lip_height": pupil[1] - _y_at(lower, half[0]),
    }
    return {
        **{name: float(length) * MM for name, length in lengths.items()},
        "smile_angle": 90.0 + float(np.degrees(np.arctan2(-away[1], away[0]))),
        "mouth_area": _area_between(*inner) * MM**2,
    }


def _area_between(upper: Floats, lower: Floats) -> float:
    """Of what lies between two lines and outwards of the midline, where the upper one is above."""
    x = np.linspace(0.0, upper[0, 0], 4000)
    gap = np.array([_y_at_all(lower, x), _y_at_all(upper, x)])
    return float(np.trapezoid(gap[0] - gap[1], x))


def _y_at_all(line: Floats, x: Floats) -> Floats:
    order = np.argsort(line[:, 0], kind="stable")
    return np.interp(x, line[order, 0], line[order, 1])
