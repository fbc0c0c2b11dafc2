"""How far the answers of a model's kind lie from torch's in float32, in units that matter.

Points in px of the picture that the network sees, boxes by the edges in its px of those that are
taken for faces or, if none is, of the likeliest one; probabilities and AU scores as they are.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]

Answer = Sequence[NDArray[np.float32]]
"""A network's outputs, in the order of its contract (`weights.manifest`)."""

Deviation = dict[str, float]
"""The largest difference on one input, by unit."""

FACE_SCORE = 0.5  # from which on workers take a box for a face
CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2  # RetinaFace's
ANCHOR_SIDES = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # by stride, px
STAR_SIDE, PFLD_SIDE = 256, 112
SCORES = {"score": 0.01}

LIMITS: Mapping[str, Mapping[str, float]] = {
    "retinaface_frame": {"px": 1.0} | SCORES,
    "retinaface_face": {"px": 1.0} | SCORES,
    "star98": {"px": 0.5} | SCORES,
    "mtl_aus": SCORES,
    "pfld68": {"px": 0.5},
}
"""The largest drift with which a kind is offered, by unit; the first one is recorded."""


@dataclass(frozen=True, slots=True)
class Drift:
    """By unit: typical, the median over inputs of the largest difference on each; largest, on any.

    The median decides, because STAR and the graph head have hard thresholds: on one input out of
    several rounding may tip a value over one, as other processors do to float32, too.
    """

    typical: Deviation
    largest: Deviation

    def within(self, limits: Mapping[str, float]) -> bool:
        """Whether it is small enough; what is not a number is not."""
        finite = all(map(np.isfinite, self.largest.values()))
        return finite and all(self.typical[unit] <= limit for unit, limit in limits.items())

    def without_numbers(self) -> "Drift":
        """What to say where some answer is no number at all."""
        nothing = dict.fromkeys(self.largest, float("inf"))
        return Drift(nothing, nothing)

    def __str__(self) -> str:
        """For example `0.12 px (0.31 at most) and 0.0003 score (0.001 at most)`."""
        return " and ".join(
            f"{value:.2g} {unit} ({self.largest[unit]:.2g} at most)"
            for unit, value in self.typical.items()
        )

    def worse(self, other: "Drift") -> "Drift":
        """By unit the larger of both."""
        return Drift(
            {unit: max(value, other.typical[unit]) for unit, value in self.typical.items()},
            {unit: max(value, other.largest[unit]) for unit, value in self.largest.items()},
        )


def drift(name: str, expected: Sequence[Answer], answered: Sequence[Answer]) -> Drift:
    """Of one model, over inputs. expected: torch's answers in float32."""
    measure = _MEASURES[name]
    found = [
        {unit: _number(value) for unit, value in measure(true, given).items()}
        for true, given in zip(expected, answered, strict=True)
    ]
    by_unit = {unit: [one[unit] for one in found] for unit in LIMITS[name]}
    return Drift(
        {unit: statistics.median(values) for unit, values in by_unit.items()},
        {unit: max(values) for unit, values in by_unit.items()},
    )


def _number(value: float) -> float:
    return float(value) if np.isfinite(value) else float("inf")


def _furthest(expected: Floats, given: Floats) -> float:
    return float(np.abs(expected.astype(np.float64) - given).max())


def _boxes(expected: Answer, given: Answer) -> Deviation:
    likeliest = np.maximum(expected[1], given[1])
    taken = likeliest >= min(FACE_SCORE, likeliest.max())
    px = _furthest(_edges(expected[0])[taken], _edges(given[0])[taken])
    return {"px": px, "score": _furthest(expected[1], given[1])}


def _edges(offsets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Edges (n, A, 4) of the anchors' boxes from each anchor's own centre, px."""
    cells = {1512: 192, 16800: 640}[offsets.shape[1]]
    sides = np.concatenate(
        [np.tile(pair, (cells // stride) ** 2) for stride, pair in ANCHOR_SIDES.items()]
    )[:, None]
    numbers = offsets.astype(np.float64)
    centre = numbers[..., :2] * CENTRE_VARIANCE * sides
    half = sides * np.exp(numbers[..., 2:] * SIZE_VARIANCE) / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def _star(expected: Answer, given: Answer) -> Deviation:
    px = _furthest(expected[0], given[0]) * STAR_SIDE / 2
    return {"px": px, "score": _furthest(expected[1], given[1])}


def _pfld(expected: Answer, given: Answer) -> Deviation:
    return {"px": _furthest(expected[0], given[0]) * PFLD_SIDE}


def _scores(expected: Answer, given: Answer) -> Deviation:
    return {"score": _furthest(expected[0], given[0])}


_MEASURES: Mapping[str, Callable[[Answer, Answer], Deviation]] = {
    "retinaface_frame": _boxes,
    "retinaface_face": _boxes,
    "star98": _star,
    "mtl_aus": _scores,
    "pfld68": _pfld,
}
