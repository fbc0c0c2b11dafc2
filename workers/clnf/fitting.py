"""Fitting a landmark model to a picture, from coarse scales to fine ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats
from workers.clnf.mean_shift import gaussian_weights
from workers.clnf.optimisation import Evidence, optimised
from workers.clnf.patch_experts import PatchExperts
from workers.clnf.response_maps import response_maps
from workers.clnf.sampling import Grey, areas_around
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import ShapeModel

LEAST_SCALE = 0.25
"""px per mm: a smaller face cannot be followed."""
LARGE_ENOUGH = 0.9
"""A scale of experts is left out where this part of it is more than the face's."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How one scale's maps are used.

    regularisation: of the parameters; sigma: the mean shift's, steps of the maps; reliance: times
    the experts' confidences how much landmarks count, None where all count alike.
    """

    regularisation: float
    sigma: float
    reliance: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkModel:
    """A shape and its experts, coarse scales first, with a schedule for each."""

    shape: ShapeModel
    experts: tuple[PatchExperts, ...]
    schedules: tuple[Schedule, ...]

    def projected(self, fit: ShapeFit) -> Floats:
        """The points of a fit, px: (N, 2)."""
        return np.ascontiguousarray(fit.pose.project(self.shape.shape(fit.local)).T)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """fit: always finite; found: whether the face was large enough to be followed."""

    fit: ShapeFit
    found: bool


def fit_landmarks(
    model: LandmarkModel, grey: Grey, start: ShapeFit, windows: Sequence[int]
) -> Fitted:
    """The fit that a picture pulls a finite start to.

    windows: of the response maps, one a scale, steps; 0 leaves a scale out.
    """
    fit = start
    for experts, schedule, window in zip(model.experts, model.schedules, windows, strict=True):
        if window == 0 or LARGE_ENOUGH * experts.scaling > fit.pose.scale:
            continue
        evidence = gathered(model.shape, experts, schedule, grey, fit, window)
        better = optimised(model.shape, fit, evidence, schedule.regularisation)
        if better is None or not is_finite(better):
            return Fitted(fit, found=False)
        fit = better
        if fit.pose.scale < LEAST_SCALE:
            return Fitted(fit, found=False)
    return Fitted(fit, found=True)


def gathered(
    model: ShapeModel,
    experts: PatchExperts,
    schedule: Schedule,
    grey: Grey,
    fit: ShapeFit,
    window: int,
) -> Evidence:
    """What the picture says around the landmarks of a fit, with maps of window x window."""
    view = experts.of_view(experts.nearest_view(fit.pose.angles), window)
    shape = model.shape(fit.local)
    base = fit.pose.project(shape)
    to_map = similarity(base, experts.scaling * shape[:2])
    cosine, sine = to_map[:, 0].tolist()
    per_step = (cosine / (cosine**2 + sine**2), -sine / (cosine**2 + sine**2))
    to_picture = np.array([[per_step[0], -per_step[1]], [per_step[1], per_step[0]]])
    areas = areas_around(grey, base, per_step, window + experts.size - 1)
    maps = response_maps(view, areas)
    known = maps.reshape(len(maps), -1).max(axis=1) > 0.0  # hidden ones are empty
    maps[~known] = 1.0
    counts = 1.0 if schedule.reliance is None else schedule.reliance * view.confidences
    return Evidence(
        maps=maps.astype(np.float64),
        base=base,
        to_map=to_map.astype(np.float32),
        to_picture=to_picture.astype(np.float32),
        weights=np.tile(known * counts, 2),
        gaussian=gaussian_weights(window, schedule.sigma),
    )


def similarity(points: Floats, others: Floats) -> Floats:
    """The scaled rotation (2, 2) that brings the form of points (2, N) to that of others.

    The best rotation, by Kabsch, times the ratio of the root mean square sizes (the best scale
    would be smaller).
    """
    form, other = (np.subtract(one, one.mean(axis=1, keepdims=True)) for one in (points, others))
    (along_x, across), (back, along_y) = (form @ other.T).tolist()
    cosine, sine = along_x + along_y, across - back
    size = math.sqrt(float((other**2).sum()) / float((form**2).sum())) / math.hypot(cosine, sine)
    return size * np.array([[cosine, -sine], [sine, cosine]])


def is_finite(fit: ShapeFit) -> bool:
    """Whether all its numbers are."""
    pose = fit.pose
    return math.isfinite(
        pose.scale + pose.rotation.sum() + pose.translation.sum() + np.abs(fit.local).sum()
    )
