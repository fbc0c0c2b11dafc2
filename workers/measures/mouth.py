"""Mouth and nose of one side, in the face's axes with x outwards; lengths in px."""

import numpy as np

from workers.arrays import Floats
from workers.measures.curves import Curve, curve_through
from workers.measures.layout import SideLayout

Values = dict[str, Floats]


def mouth_measures(own: Floats, layout: SideLayout) -> Values:
    """The measures of one side's mouth, (n,) each; own: (n, P, 2) landmarks.

    Heights are above the line of the iris centres. NaN where a curve does not reach, or folds.
    """
    lips = {
        name: curve_through(own[:, chain])
        for name, chain in (
            ("upper", layout.upper_lip),
            ("lower", layout.lower_lip),
            ("inner_upper", layout.inner_upper),
            ("inner_lower", layout.inner_lower),
        )
    }
    commissure = own[:, layout.commissure]
    away = commissure - lips["lower"].at(lips["lower"].place_where(_x))
    half = halfway_point(lips["upper"], commissure)
    return {
        "commissure_excursion": np.hypot(away[:, 0], away[:, 1]),
        "smile_angle": 90.0 + np.degrees(np.arctan2(away[:, 1], away[:, 0])),
        "dental_show": _gap_at(half[:, 0], lips["inner_upper"], lips["inner_lower"]),
        "mouth_area": _area(lips["inner_upper"], lips["inner_lower"]),
        "commissure_height": commissure[:, 1],
        "upper_lip_height": half[:, 1],
        "lower_lip_height": lips["lower"].at_x(half[:, 0]),
        "alar_base_drop": -own[:, layout.alar_base, 1],
    }


def halfway_point(upper: Curve, commissure: Floats) -> Floats:
    """The point (n, 2) of the upper lip that is half as far from the commissure as that is from
    the midline. upper: from the commissure on."""
    radius = np.abs(commissure[:, 0]) / 2.0

    def beyond(points: Floats) -> Floats:
        apart = points - commissure[:, None]
        return np.hypot(apart[..., 0], apart[..., 1]) - radius[:, None]

    return upper.at(upper.place_where(beyond))


def _gap_at(x: Floats, upper: Curve, lower: Curve) -> Floats:
    """How far the lips are apart at x (n,); 0 where they touch, also outwards of their corner."""
    gap = np.maximum(upper.at_x(x) - lower.at_x(x), 0.0)
    return np.where(x >= upper.knots[:, 0, 0], 0.0, gap)


def _area(upper: Curve, lower: Curve) -> Floats:
    """The area (n,) between the lips, from their corner to the midline, px²."""
    # Both begin at the corner and run inwards, against x.
    between = lower.area_under(lower.place_where(_x)) - upper.area_under(upper.place_where(_x))
    return np.maximum(between, 0.0)


def _x(points: Floats) -> Floats:
    return np.asarray(points[..., 0])
