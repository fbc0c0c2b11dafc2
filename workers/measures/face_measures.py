"""The clinical measures of a face, in its own axes, of many frames at once.

Sources: Guarin, Dusseldorp, Hadlock, Jowett, "A machine learning approach for automated facial
measurements in facial palsy", JAMA Facial Plastic Surgery 2018 (Emotrics), for the measures of a
side and its deviations; the others are ours. ops/MEASURES.md shows each.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workers.arrays import Floats
from workers.face.mirroring import SIDES, Side
from workers.measures.axes import FaceAxes, seen_from
from workers.measures.eyes import eye_measures
from workers.measures.layout import FaceLayout
from workers.measures.mouth import mouth_measures

Kind = Literal["length", "area", "angle", "share"]
"""length: px, area: px², angle: degrees, share: of one."""

OF_A_SIDE: dict[str, Kind] = {
    "commissure_excursion": "length",
    "smile_angle": "angle",
    "marginal_reflex_distance_1": "length",
    "marginal_reflex_distance_2": "length",
    "palpebral_fissure_height": "length",
    "brow_height": "length",
    "dental_show": "length",
    "mouth_area": "area",
    "alar_base_drop": "length",
}
"""What each side has, and of which the difference of the sides is told."""

DEVIATIONS = {
    "commissure_height_deviation": "commissure_height",
    "upper_lip_height_deviation": "upper_lip_height",
    "lower_lip_height_deviation": "lower_lip_height",
}
"""Differences, left minus right, of heights that are not told themselves."""

OF_THE_FACE: dict[str, Kind] = {
    **dict.fromkeys(DEVIATIONS, "length"),
    "oral_angle": "angle",
    "philtrum_deviation": "length",
    "chin_deviation": "length",
}


@dataclass(frozen=True, slots=True, eq=False)
class FaceMeasures:
    """Of n frames, NaN where one cannot be told. of_sides: (n, 2) each, by SIDES, the names of
    OF_A_SIDE; of_face: (n,) each, the names of OF_THE_FACE, positive where the patient's left is
    higher or something lies to the left."""

    of_sides: dict[str, Floats]
    of_face: dict[str, Floats]


def measure_faces(points: Floats, irises: Floats, layout: FaceLayout) -> FaceMeasures:
    """The measures of faces as filmed.

    points: (n, P, 2) landmarks, px; irises: (n, 2, 2) their centres by SIDES, px.
    """
    axes = FaceAxes.between(irises[:, 0], irises[:, 1])
    placed, centres = axes.placed(points), axes.placed(irises)
    by_side: dict[Side, dict[str, Floats]] = {}
    for place, side in enumerate(SIDES):
        own, iris = seen_from(side, placed), seen_from(side, centres[:, place])
        chains = layout.sides[side]
        by_side[side] = eye_measures(own, iris, chains) | mouth_measures(own, chains)
    left, right = (by_side[side] for side in SIDES)
    corners = [placed[:, layout.sides[side].commissure] for side in SIDES]
    along = corners[0] - corners[1]
    return FaceMeasures(
        of_sides={name: np.stack([left[name], right[name]], axis=1) for name in OF_A_SIDE},
        of_face={
            **{name: left[height] - right[height] for name, height in DEVIATIONS.items()},
            "oral_angle": np.degrees(np.arctan2(along[:, 1], along[:, 0])),
            "philtrum_deviation": placed[:, layout.philtrum, 0],
            "chin_deviation": placed[:, layout.chin, 0],
        },
    )
