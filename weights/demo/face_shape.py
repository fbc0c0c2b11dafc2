"""Where the phantom's 98 WFLW points lie, and how each action unit (AU) moves them.

The face's own frame: x to the patient's left (the image's right in an upright face), y down, origin
at the centre of the face box, unit the height of the resting face box. The midline is x = 0.

Points are linear in the activations: REST plus, for each AU, its MOVES times the activation of the
point's side. Points within SEAM of the midline (of the contour: JAW_SEAM) take a mixture of both
sides, on it their mean, so no AU moves a midline point sideways.
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Side = Literal["left", "right"]
"""The patient's."""

SIDES: tuple[Side, Side] = ("left", "right")
POINTS = 98
SEAM, JAW_SEAM = 0.035, 0.16
GLABELLA = (38, 50)
CHIN = 16
OPEN_RATIO, SHUT_RATIO = 0.25, 0.05
"""Eye aspect ratios of AU45 = 0 and 1."""

BOX_HALF = (0.5, 0.5)
"""Half width and half height of the resting face box."""


@dataclass(frozen=True, slots=True)
class SideActivations:
    """How strongly each AU of one half of the face is driven, 0 to 1. Raises ValueError beyond."""

    au01: float = 0.0
    au02: float = 0.0
    au04: float = 0.0
    au06: float = 0.0
    au09: float = 0.0
    au12: float = 0.0
    au25: float = 0.0
    au26: float = 0.0
    au45: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{item.name} is {value}: an activation lies between 0 and 1")

    def scaled(self, factor: float) -> "SideActivations":
        """The same movement, weaker."""
        return SideActivations(*(float(value * factor) for value in self.values()))

    def values(self) -> Floats:
        """(9,) in the order of AUS."""
        return np.array([getattr(self, item.name) for item in fields(self)])


AUS = tuple(item.name for item in fields(SideActivations))


@dataclass(frozen=True, slots=True)
class Activations:
    """Both halves; left and right are the patient's."""

    left: SideActivations = SideActivations()
    right: SideActivations = SideActivations()

    def of(self, side: Side) -> SideActivations:
        return self.left if side == "left" else self.right


def mirror_partners() -> NDArray[np.intp]:
    """(98,): the index of each point's counterpart on the other side; midline points' own."""
    partner = np.arange(POINTS)
    runs = [
        (range(17), range(32, 15, -1)),
        ((33, 34, 35, 36, 37, 38, 39, 40, 41), (46, 45, 44, 43, 42, 50, 49, 48, 47)),
        ((55, 56), (59, 58)),
        ((60, 61, 62, 63, 64, 65, 66, 67), (72, 71, 70, 69, 68, 75, 74, 73)),
        ((76, 77, 78, 86, 87), (82, 81, 80, 84, 83)),
        ((88, 89, 95), (92, 91, 93)),
        ((96,), (97,)),
    ]
    for right, left in runs:
        for a, b in zip(right, left, strict=True):
            partner[a], partner[b] = b, a
    return partner


PARTNER = mirror_partners()

BROW = (33, 34, 35, 36, 37, 38, 39, 40, 41)
MOUTH = (76, 77, 78, 79, 85, 86, 87, 88, 89, 90, 94, 95)
UPPER_LID, LOWER_LID = (61, 62, 63), (67, 66, 65)
EYE_OUTER, EYE_INNER, EYE_Y = 0.265, 0.095, -0.10
LID_PROFILE = np.array([0.9, 1.2, 0.9])  # mean 1, so that the mean opening is ratio * width
UPPER_SHARE = 0.6
MOUTH_HALF = 0.12

# The patient's right half (x negative) and the midline; the left half is its reflection.
_RIGHT_HALF = {
    **{33: (-0.300, -0.185), 34: (-0.255, -0.222), 35: (-0.190, -0.238), 36: (-0.125, -0.232)},
    **{37: (-0.065, -0.215), 38: (-0.065, -0.180), 39: (-0.125, -0.196), 40: (-0.190, -0.202)},
    **{41: (-0.255, -0.190)},
    **{51: (0.0, -0.095), 52: (0.0, -0.045), 53: (0.0, 0.005), 54: (0.0, 0.055)},
    **{55: (-0.070, 0.085), 56: (-0.036, 0.102), 57: (0.0, 0.110)},
    **{60: (-EYE_OUTER, EYE_Y), 64: (-EYE_INNER, EYE_Y), 96: (-0.180, -0.104)},
    **{76: (-MOUTH_HALF, 0.215), 77: (-0.080, 0.194), 78: (-0.030, 0.182), 79: (0.0, 0.187)},
    **{85: (0.0, 0.262), 86: (-0.035, 0.259), 87: (-0.080, 0.243)},
    **{88: (-0.106, 0.215), 89: (-0.050, 0.2135), 90: (0.0, 0.2135), 94: (0.0, 0.2165)},
    **{95: (-0.050, 0.2165)},
}


def _both_sides(right_half: dict[int, tuple[float, float]]) -> Floats:
    """(98, 2): the given points and their reflections; zero elsewhere."""
    points = np.zeros((POINTS, 2))
    for index, (x, y) in right_half.items():
        points[PARTNER[index]] = (-x, y)
        points[index] = (x, y)
    return points


def _rest() -> Floats:
    half = dict(_RIGHT_HALF)
    for i in range(CHIN + 1):
        angle = np.pi * i / 32
        half[i] = (
            -0.40 * float(np.cos(angle).clip(0.0) ** 0.85),
            -0.08 + 0.47 * float(np.sin(angle) ** 0.9),
        )
    half[CHIN] = (0.0, half[CHIN][1])
    width = EYE_OUTER - EYE_INNER
    openings = OPEN_RATIO * width * LID_PROFILE
    for k, (upper, lower) in enumerate(zip(UPPER_LID, LOWER_LID, strict=True)):
        x = -EYE_OUTER + width * (k + 1) / 4
        half[upper] = (x, EYE_Y - UPPER_SHARE * float(openings[k]))
        half[lower] = (x, EYE_Y + (1 - UPPER_SHARE) * float(openings[k]))
    return _both_sides(half)


REST = _rest()


def _brow_move(inner: float, outer: float, power: float) -> Floats:
    """Brows move up or down: by `inner` at their medial end and by `outer` at the lateral one."""
    medial = {i: float(np.clip((0.300 + REST[i, 0]) / 0.235, 0.0, 1.0)) for i in BROW}
    return _both_sides(
        {i: (0.0, inner * m**power + outer * (1.0 - m) ** power) for i, m in medial.items()}
    )


def _mouth_corner_move() -> Floats:
    share = {i: (REST[i, 0] / MOUTH_HALF) ** 2 for i in MOUTH}
    return _both_sides({i: (-0.045 * s, -0.060 * s) for i, s in share.items()})


def _lips_part_move() -> Floats:
    """The inner rims separate; the outer rims go with them less above, as much below."""
    reach = {77: -0.010, 78: -0.010, 79: -0.010, 85: 0.048, 86: 0.048, 87: 0.048}
    reach |= {89: -0.017, 90: -0.017, 94: 0.048, 95: 0.048}
    share = {i: 1.0 - abs(REST[i, 0] / MOUTH_HALF) ** 3 for i in reach}
    return _both_sides({i: (0.0, reach[i] * share[i]) for i in reach})


def _jaw_move() -> Floats:
    """The chin sinks, the closed mouth goes with it a little; the ears stay."""
    contour = {i: (0.0, 0.055 * float(np.clip(REST[i, 1] / 0.39, 0, 1) ** 1.2)) for i in range(17)}
    return _both_sides(contour | dict.fromkeys(MOUTH, (0.0, 0.022)))


def _lid_move() -> Floats:
    change = (OPEN_RATIO - SHUT_RATIO) * (EYE_OUTER - EYE_INNER) * LID_PROFILE
    upper = {i: (0.0, 0.75 * float(c)) for i, c in zip(UPPER_LID, change, strict=True)}
    lower = {i: (0.0, -0.25 * float(c)) for i, c in zip(LOWER_LID, change, strict=True)}
    return _both_sides(upper | lower)


def _moves() -> Floats:
    moves = {
        "au01": _brow_move(-0.050, 0.0, 1.5),
        "au02": _brow_move(0.0, -0.050, 1.5),
        "au04": _brow_move(0.032, 0.016, 1.0),
        "au06": np.zeros((POINTS, 2)),  # seen in the skin alone
        "au09": _both_sides({55: (-0.004, -0.024), 56: (0.0, -0.014)}),
        "au12": _mouth_corner_move(),
        "au25": _lips_part_move(),
        "au26": _jaw_move(),
        "au45": _lid_move(),
    }
    return np.stack([moves[au] for au in AUS])


MOVES = _moves()
"""(9, 98, 2): what a full activation of each AU, in the order of AUS, adds to REST."""


def _left_share() -> Floats:
    seam = np.where(np.arange(POINTS) <= 32, JAW_SEAM, SEAM)
    return np.asarray(np.clip(0.5 + REST[:, 0] / (2 * seam), 0.0, 1.0), dtype=np.float64)


LEFT_SHARE = _left_share()
"""(98,): how much of each point is governed by the patient's left side, 0 to 1."""


def face_points(activations: Activations) -> Floats:
    """The (98, 2) points in the face's own frame."""
    weights = np.outer(activations.left.values(), LEFT_SHARE)
    weights += np.outer(activations.right.values(), 1.0 - LEFT_SHARE)
    return np.asarray(REST + np.einsum("ap,apc->pc", weights, MOVES), dtype=np.float64)
