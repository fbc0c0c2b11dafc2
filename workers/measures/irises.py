"""Iris centres and diameters, what stands in for the iris of a closed eye, and which are shut."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.face.mirroring import SIDES, Side
from workers.face.scheme import Eye
from workers.measures.layout import FaceLayout

Flags = NDArray[np.bool_]
Points = NDArray[np.floating[Any]]
"""As they are kept, or as they are computed with."""

ALWAYS_CLOSED = 0.10
"""An eye whose opening is less than this part of its width shows too little of its iris."""
HALF_CLOSED = 0.7
"""So does one that is open by less than this part of what it usually is."""
PERHAPS_SHUT = 0.8
"""An eye that shows no iris, with lids nearer to each other than this part of what they usually
are, is shut: OpenFace 2's tracker sees the lids of a shut eye 0.58 to 0.76 of that apart."""
USUALLY = 75.0
"""The percentile of a recording's openings that counts as usual: blinks are below it."""


def opening(points: Points, eye: Eye) -> Floats:
    """How far an eye is open (n,): mean distance of its lids over its width. points: (n, P, 2)."""
    gaps = [_distance(points, *pair) for pair in eye.lids]
    width = _distance(points, *eye.corners)
    return _divided(np.mean(gaps, axis=0), width)


def too_closed(openings: Floats) -> Flags:
    """Whether an eye shows too little of its iris, from its openings (n,) in a whole recording."""
    return openings < max(ALWAYS_CLOSED, HALF_CLOSED * _usual(openings))


def shut_eyes(points: Points, rings: Points, layout: FaceLayout) -> Flags:
    """Whether the left and the right eye are shut in a recording's frames: (n, 2).

    points: (n, P, 2) px; rings: (n, 2, 8, 2) px, NaN for an eye that shows no iris. An eye whose
    iris is never seen is not known to be shut.
    """
    flags = []
    for place, side in enumerate(SIDES):
        openings = opening(points, layout.sides[side].eye)
        near = openings < PERHAPS_SHUT * _usual(openings)
        shown: Flags = np.asarray(np.isfinite(rings[:, place]).all(axis=(1, 2)))
        flags.append(near & ~shown & bool(shown.any()))
    return np.stack(flags, axis=1)


def with_lids_together(points: Floats, shut: Flags, layout: FaceLayout) -> Floats:
    """The points (n, P, 2) of frames, the upper lids of shut eyes (n, 2) on the lower ones."""
    moved = points.copy()
    for place, side in enumerate(SIDES):
        own, frames = layout.sides[side], shut[:, place]
        for upper, lower in zip(own.upper_lid, own.lower_lid, strict=True):
            moved[frames, upper] = points[frames, lower]
    return moved


def _usual(openings: Floats) -> float:
    seen = openings[np.isfinite(openings)]
    return float(np.percentile(seen, USUALLY)) if seen.size else 0.0


def ring_centres(rings: Points) -> Floats:
    """The middles (..., 2) of points around irises (..., 8, 2)."""
    return np.asarray(rings.mean(axis=-2, dtype=np.float64))


def ring_diameters(rings: Points) -> Floats:
    """The diameters (...) of points around irises (..., 8, 2): twice their mean distance from
    their middle."""
    away = rings - ring_centres(rings)[..., None, :]
    return np.asarray(2.0 * np.hypot(away[..., 0], away[..., 1]).mean(axis=-1))


@dataclass(frozen=True, slots=True, eq=False)
class IrisCentres:
    """points: (n, 2, 2) px, by SIDES; NaN where the eye's corners are; inferred: (n, 2), those that
    were taken from the eye's corners."""

    points: Floats
    inferred: Flags


def iris_centres(points: Points, rings: Points, layout: FaceLayout) -> IrisCentres:
    """The iris centres of a recording's frames, of closed eyes from the eyes' corners.

    points: (n, P, 2) px; rings: (n, 2, 8, 2) px, NaN without. Where a recording never shows an
    open eye's iris, the middle of its corners stands in.
    """
    centres, inferred = [], []
    for place, side in enumerate(SIDES):
        own = layout.sides[side]
        found = ring_centres(rings[:, place])
        if own.pupil is not None:
            found = points[:, own.pupil].astype(np.float64)
        hidden = too_closed(opening(points, own.eye)) | ~np.isfinite(found).all(axis=1)
        corners = points[:, own.eye.corners].astype(np.float64)
        relative = _relative(found, corners, side)[~hidden]
        usual = np.median(relative, axis=0) if len(relative) else np.zeros(2)
        stand_in = _absolute(usual, corners, side)
        centres.append(np.where(hidden[:, None], stand_in, found))
        inferred.append(hidden & np.isfinite(stand_in).all(axis=1))
    return IrisCentres(np.stack(centres, axis=1), np.stack(inferred, axis=1))


def _relative(centre: Floats, corners: Floats, side: Side) -> Floats:
    """Where (n, 2) a point lies in an eye: inwards and up from its middle, in its widths."""
    middle, inwards, up = _eye_axes(corners, side)
    away, size = centre - middle, (inwards * inwards).sum(axis=1)
    along, across = (away * inwards).sum(axis=1), (away * up).sum(axis=1)
    return np.stack([_divided(along, size), _divided(across, size)], axis=1)


def _absolute(relative: Floats, corners: Floats, side: Side) -> Floats:
    middle, inwards, up = _eye_axes(corners, side)
    return np.asarray(middle + relative[0] * inwards + relative[1] * up)


def _eye_axes(corners: Floats, side: Side) -> tuple[Floats, Floats, Floats]:
    """Middle, and vectors (n, 2) as long as the eye is wide; corners: (n, 2, 2), outer, inner."""
    inwards = corners[:, 1] - corners[:, 0]
    turned = np.stack([inwards[:, 1], -inwards[:, 0]], axis=1)
    return corners.mean(axis=1), inwards, turned if side == "right" else -turned


def _divided(part: Floats, whole: Floats) -> Floats:
    """NaN where the whole is nothing."""
    nothing = np.full_like(part, np.nan)
    return np.asarray(np.divide(part, whole, out=nothing, where=whole > 0.0), dtype=np.float64)


def _distance(points: Points, a: int, b: int) -> Floats:
    """Between two of the points (n, P, 2): (n,)."""
    apart = points[:, a].astype(np.float64) - points[:, b].astype(np.float64)
    return np.asarray(np.hypot(apart[:, 0], apart[:, 1]))
