"""Phantoms' landmarks and irises, and what is true of them."""

from dataclasses import dataclass

import numpy as np

from weights.demo.exercises import exercises
from weights.demo.face_shape import (
    AUS,
    Activations,
    SideActivations,
    face_points,
    mirror_partners,
)
from weights.demo.pose import FacePose
from weights.demo.true_measures import MM, TrueMeasures, iris_rings, true_measures

PARTNER = mirror_partners()


def expressions() -> list[Activations]:
    """At rest, every exercise whole and half, of patients with weaker left sides, and any."""
    found = [Activations()]
    for left_factor in (0.0, 0.5, 1.0):
        for exercise in exercises(left_factor)[1:]:
            left, right = exercise.peak.left, exercise.peak.right
            found += [exercise.peak, Activations(left.scaled(0.5), right.scaled(0.5))]
    random = np.random.default_rng(1)
    for _ in range(20):
        halves = random.uniform(0.0, 1.0, (2, len(AUS)))
        found.append(Activations(*(SideActivations(*half.tolist()) for half in halves)))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Phantoms:
    """points: (n, 98, 2) px; rings: (n, 2, 8, 2) px; mm: in a px."""

    points: np.ndarray
    rings: np.ndarray
    true: list[TrueMeasures]
    mm: float


def phantoms(pose: FacePose, done: list[Activations]) -> Phantoms:
    return Phantoms(
        points=np.stack([pose.place(face_points(one)) for one in done]),
        rings=np.stack([iris_rings(pose, one) for one in done]),
        true=[true_measures(one) for one in done],
        mm=MM / pose.height,
    )


def reflected(points: np.ndarray, rings: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The same faces in mirror images of a width, px, with their landmarks named anew."""
    other_way = np.array([-1.0, 1.0])
    shift = np.array([width - 1.0, 0.0])
    return points[:, PARTNER] * other_way + shift, rings[:, ::-1] * other_way + shift
