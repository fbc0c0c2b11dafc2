"""What a turned head does to the measures: a head in three dimensions, turned and measured."""

from collections.abc import Mapping

import numpy as np

from weights.demo.face_shape import Activations, face_points
from weights.demo.pose import FacePose, depth
from workers.arrays import Floats
from workers.face.scheme import LandmarkScheme
from workers.measures.face_measures import OF_A_SIDE, measure_faces
from workers.measures.face_size import face_sizes
from workers.measures.layout import WFLW98_LAYOUT, FaceLayout

TURNS = {
    "yaw 5°": (5.0, 0.0),
    "yaw 10°": (10.0, 0.0),
    "yaw 20°": (20.0, 0.0),
    "pitch 10° up": (0.0, 10.0),
    "pitch 10° down": (0.0, -10.0),
}
"""Yaw to the patient's left, and pitch, degrees."""

Changes = dict[str, dict[str, tuple[float, float]]]
"""By measure and turn, of the left and the right side: per cent, of angles degrees."""

OPENFACE2_HEAD: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "commissure_excursion": {
        "yaw 5°": (0.6, -1.3),
        "yaw 10°": (0.4, -3.2),
        "yaw 20°": (-1.9, -9.2),
        "pitch 10° up": (-3.9, -3.9),
        "pitch 10° down": (4.7, 4.7),
    },
    "smile_angle": {
        "yaw 5°": (-0.2, 0.2),
        "yaw 10°": (-0.4, 0.5),
        "yaw 20°": (-0.8, 1.0),
        "pitch 10° up": (-6.7, -6.7),
        "pitch 10° down": (5.6, 5.6),
    },
    "marginal_reflex_distance_1": {
        "yaw 5°": (0.3, -0.2),
        "yaw 10°": (0.7, -0.3),
        "yaw 20°": (1.8, -0.4),
        "pitch 10° up": (-3.5, -3.5),
        "pitch 10° down": (0.5, 0.5),
    },
    "marginal_reflex_distance_2": {
        "yaw 5°": (0.3, -0.2),
        "yaw 10°": (0.8, -0.3),
        "yaw 20°": (2.1, -0.3),
        "pitch 10° up": (-6.6, -6.6),
        "pitch 10° down": (3.6, 3.6),
    },
    "palpebral_fissure_height": {
        "yaw 5°": (0.2, -0.1),
        "yaw 10°": (0.4, -0.2),
        "yaw 20°": (1.1, -0.3),
        "pitch 10° up": (-5.0, -5.0),
        "pitch 10° down": (1.9, 1.9),
    },
    "brow_height": {
        "yaw 5°": (-0.1, 0.1),
        "yaw 10°": (-0.1, 0.3),
        "yaw 20°": (-0.1, 0.7),
        "pitch 10° up": (1.3, 1.3),
        "pitch 10° down": (-4.3, -4.3),
    },
    "dental_show": {
        "yaw 5°": (6.2, -6.0),
        "yaw 10°": (12.7, -11.9),
        "yaw 20°": (27.8, -23.5),
        "pitch 10° up": (-9.9, -9.9),
        "pitch 10° down": (5.4, 5.4),
    },
    "mouth_area": {
        "yaw 5°": (5.3, -5.8),
        "yaw 10°": (9.9, -12.3),
        "yaw 20°": (17.1, -26.4),
        "pitch 10° up": (0.2, 0.2),
        "pitch 10° down": (-3.0, -3.0),
    },
    "alar_base_drop": {
        "yaw 5°": (0.0, 0.0),
        "yaw 10°": (0.1, 0.1),
        "yaw 20°": (0.5, 0.5),
        "pitch 10° up": (-10.3, -10.3),
        "pitch 10° down": (7.3, 7.3),
    },
}
"""Of the mean head of OpenFace 2's landmark tracker, whose model is not part of the project: what
`changes` tells of it, kept here (tests/ops/measures_page compares them where the model is)."""


def phantom_changes() -> Changes:
    """Of the phantom's head at rest."""
    points = face_points(Activations())
    head = np.column_stack([points, depth(points)])
    pupils = [WFLW98_LAYOUT.sides[side].pupil or 0 for side in ("left", "right")]
    return changes(head, head[pupils], WFLW98_LAYOUT)


def changes(head: Floats, irises: Floats, layout: FaceLayout) -> Changes:
    """How much each measure of a side changes with each turn.

    head: (P, 3), irises: (2, 3) left and right; x to the patient's left, y down, z away from the
    camera, any unit. Seen from afar, in units of the face's size, as tables have it.
    """
    ahead = _measured(head, irises, layout, 0.0, 0.0)
    told: Changes = {name: {} for name in ahead}
    for turn, (yaw, pitch) in TURNS.items():
        for name, turned in _measured(head, irises, layout, yaw, pitch).items():
            change = turned - ahead[name]
            if OF_A_SIDE[name] != "angle":
                change = 100.0 * change / ahead[name]
            left, right = (round(float(side), 1) + 0.0 for side in change)
            told[name][turn] = left, right
    return told


def symmetric(head: Floats, scheme: LandmarkScheme) -> Floats:
    """The mean (P, 3) of a head and its mirror image."""
    partner = np.arange(len(head))
    for a, b in scheme.pairs:
        partner[a], partner[b] = b, a
    return np.asarray((head + head[partner] * [-1.0, 1.0, 1.0]) / 2.0)


def _measured(
    head: Floats, irises: Floats, layout: FaceLayout, yaw: float, pitch: float
) -> dict[str, Floats]:
    """The measures (2,) of both sides, in units of the face's size."""
    rotation = FacePose(0.0, 0.0, 1.0, yaw=yaw, pitch=pitch).rotation()
    points, centres = ((one @ rotation.T)[None, :, :2] for one in (head, irises))
    found = measure_faces(points, centres, layout)
    size = float(face_sizes(points, layout)[0])
    power = {"length": 1, "area": 2, "angle": 0, "share": 0}
    return {name: found.of_sides[name][0] / size ** power[kind] for name, kind in OF_A_SIDE.items()}
