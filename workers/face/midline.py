"""The anatomical midline: from the glabella to the chin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats
from workers.face.scheme import LandmarkScheme
from workers.face.smoothing import mean_of_seen

POINT_STEP = 2.0**-6
DIRECTION_STEP = 2.0**-13
"""A midline is rounded to these, px and radians: some hundredths of a pixel anywhere on a face.
Warping a picture makes steps where last digits cross a border, and processors differ in them."""


@dataclass(frozen=True, slots=True, eq=False)
class Midline:
    """A line through a point (2,), px, along a unit vector (2,) that runs from brow to chin."""

    point: Floats
    direction: Floats

    @property
    def towards_patient_left(self) -> Floats:
        """The unit normal (2,) that points to the patient's left: the image's right in an upright
        face, since image y runs down."""
        return np.array([self.direction[1], -self.direction[0]])

    def distance(self, points: Floats) -> Floats:
        """Signed distance (N,) of points (N, 2) in px, positive on the patient's left."""
        return np.asarray((points - self.point) @ self.towards_patient_left, dtype=np.float64)

    def reflect(self, points: Floats) -> Floats:
        """Points (N, 2) reflected across the line."""
        normal = self.towards_patient_left
        return points - 2.0 * self.distance(points)[:, None] * normal

    def reflection(self) -> Floats:
        """The reflection as a (2, 3) affine map of px; it is its own inverse."""
        normal = self.towards_patient_left
        linear = np.eye(2) - 2.0 * np.outer(normal, normal)
        shift = 2.0 * float(self.point @ normal) * normal
        return np.column_stack([linear, shift])


def midline_ends(points: Floats, scheme: LandmarkScheme) -> Floats:
    """Glabella (mean of the medial brow points) and chin of landmarks (P, 2), as (2, 2) px."""
    brows = points[list(scheme.medial_brows)].mean(axis=0)
    return np.stack([brows, points[scheme.chin]])


def midline(window: Sequence[Floats | None], scheme: LandmarkScheme) -> Midline | None:
    """The midline from the last frames' landmarks, both ends averaged over the window.

    window: as in `smoothing.smoothed`. None where the two ends coincide (no direction).
    """
    ends = mean_of_seen([None if p is None else midline_ends(p, scheme) for p in window])
    along = ends[1] - ends[0]
    if float(np.hypot(*along)) < 1.0:
        return None
    # From the vertical, so that an upright face's midline is upright.
    angle = np.rint(np.arctan2(along[0], along[1]) / DIRECTION_STEP) * DIRECTION_STEP
    return Midline(
        point=np.rint(ends[0] / POINT_STEP) * POINT_STEP,
        direction=np.array([np.sin(angle), np.cos(angle)]),
    )
