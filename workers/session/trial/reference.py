"""What every backend is asked, and how far its answers are from the CPU's in float32.

The pictures are drawn, so they are nobody's and the same everywhere: the phantom, three times.
"""

from functools import lru_cache

import numpy as np

from weights.demo.appearance import Appearance
from weights.demo.face_shape import Activations, SideActivations
from weights.demo.phantom import render
from weights.demo.pose import FacePose, truth
from workers.arrays import Floats, Image, Tensor
from workers.models import multitask, pfld68, retinaface, star98
from workers.session.trial.figures import NO_NUMBERS

Answers = list[Tensor]
"""What a network gives for one call, in the order of OUTPUTS."""

OUTPUTS: dict[str, tuple[str, ...]] = {
    "retinaface_frame": ("offsets", "scores"),
    "retinaface_face": ("offsets", "scores"),
    "star98": ("points", "confidence"),
    "pfld68": ("output",),
    "mtl_aus": ("aus",),
}

WIDTH, HEIGHT = 640, 480
SURROUNDINGS = 1.6
"""Width of what the face detector sees, in units of the face box's longer side."""


_SMILE = Activations(SideActivations(au06=0.6, au12=1.0), SideActivations(au12=0.4))
_SHUT = Activations(SideActivations(au45=1.0, au04=0.7), SideActivations(au45=0.6, au25=0.8))
_FACES = (
    (3, FacePose(300.0, 230.0, 260.0), Activations()),
    (11, FacePose(350.0, 250.0, 210.0, roll=12.0), _SMILE),
    (29, FacePose(310.0, 240.0, 330.0, roll=-8.0), _SHUT),
)


@lru_cache
def reference_faces() -> tuple[tuple[Image, Floats], ...]:
    """Pictures (480, 640, 3) BGR and the face box (4,) px in each."""
    return tuple(
        (
            render(pose, activations, Appearance.from_seed(seed), WIDTH, HEIGHT),
            np.rint(truth(pose, activations).box),
        )
        for seed, pose, activations in _FACES
    )


def reference_inputs(name: str, shape: tuple[int, ...]) -> list[Tensor]:
    """The inputs of a network, one call each. shape: of its input; a batch of STAR's crops takes
    the faces in turn."""
    faces = reference_faces()
    if name == "mtl_aus":
        scored = [multitask.as_input(*face) for face in faces]
        return [np.concatenate([scored[n - 1], one]) for n, one in enumerate(scored)]
    if name == "pfld68":
        return [pfld68.as_input(pfld68.crop(*face)) for face in faces]
    if name == "star98":
        crops = [star98.crop(picture, star98.crop_matrix(box)) for picture, box in faces]
        return _in_turn([[star98.as_input(one)] for one in crops], shape[0], 0)
    seen = [p for p, _ in faces] if name == "retinaface_frame" else [_around(*f) for f in faces]
    return [retinaface.letterboxed(picture, *shape[2:])[0] for picture in seen]


def answers_of_batch(single: list[Answers], batch: int) -> list[Answers]:
    """What a batch must answer, of the answers to its crops one by one."""
    columns = [_in_turn(single, batch, output) for output in range(len(single[0]))]
    return [list(row) for row in zip(*columns, strict=True)]


def _in_turn(single: list[Answers], batch: int, output: int) -> list[Tensor]:
    count = len(single)
    return [
        np.concatenate([single[(n + k) % count][output] for k in range(batch)])
        for n in range(count)
    ]


def _around(picture: Image, box: Floats) -> Image:
    half = float(np.max(box[2:] - box[:2])) * SURROUNDINGS / 2
    x, y = (box[:2] + box[2:]) / 2
    left, top = max(0, int(x - half)), max(0, int(y - half))
    return picture[top : int(y + half), left : int(x + half)]


def deviation(
    name: str, shape: tuple[int, ...], answers: list[Answers], expected: list[Answers]
) -> dict[str, float]:
    """How far answers are from the expected ones, at most, by what figures.BOUNDS names.

    shape: of the network's input. NO_NUMBERS where a shape differs or something is no number.
    """
    found: dict[str, float] = {}
    for given, wanted in zip(answers, expected, strict=True):
        for what, value in _deviation(name, shape, given, wanted).items():
            found[what] = max(found.get(what, 0.0), value)
    return found


def _deviation(
    name: str, shape: tuple[int, ...], given: Answers, wanted: Answers
) -> dict[str, float]:
    if name.startswith("retinaface"):
        scores = _furthest(given[1], wanted[1])
        if NO_NUMBERS in (scores, _furthest(given[0], wanted[0])):
            return {"boxes, px": NO_NUMBERS, "scores": scores}
        best = np.maximum(given[1][0], wanted[1][0])
        likely = best >= min(retinaface.FACE_SCORE, float(best.max()))
        prior = retinaface.anchors(*shape[2:])[likely]
        there, here = (
            retinaface.boxes_at(prior, answers[0][0][likely].astype(np.float64))
            for answers in (given, wanted)
        )
        return {"boxes, px": _furthest(there, here), "scores": scores}
    if name == "star98":
        return {
            "points, px": _furthest(given[0], wanted[0], scale=star98.SIZE / 2),
            "scores": _furthest(given[1], wanted[1]),
        }
    if name == "pfld68":
        return {"points, px": _furthest(given[0], wanted[0], scale=pfld68.SIZE)}
    return {"scores": _furthest(given[0], wanted[0])}


def _furthest(given: Tensor | Floats, wanted: Tensor | Floats, scale: float = 1.0) -> float:
    if given.shape != wanted.shape or not np.isfinite(given).all():
        return NO_NUMBERS
    return float(np.max(np.abs(given.astype(np.float64) - wanted.astype(np.float64)))) * scale
