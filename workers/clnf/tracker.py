"""Following the 68 landmarks of a face through the pictures of a recording.

Source: OpenFace 2's tracker (CLNF): Baltrušaitis, Robinson, Morency, "Constrained local neural
fields for robust facial landmark detection in the wild", ICCVW 2013.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from workers.arrays import Floats
from workers.clnf.fitting import LandmarkModel, fit_landmarks, is_finite
from workers.clnf.irises import POINTS as IRIS_POINTS
from workers.clnf.irises import iris_edge, shows_iris
from workers.clnf.parts import Part
from workers.clnf.sampling import Grey
from workers.clnf.validator import WRONG, Validator
from workers.face.shape.shape_fit import ShapeFit, fit_shape
from workers.face.shape.shape_model import Pose, ShapeModel

PartName = Literal["inner", "right_eye", "left_eye"]
"""Left and right are the patient's. OpenFace's are the picture's: it calls 36..41 the left eye."""

EYES: tuple[PartName, PartName] = ("left_eye", "right_eye")
"""In the order in which irises are told."""

Windows = tuple[int, int, int]
INITIAL_WINDOWS: Windows = (11, 9, 7)
"""Of the response maps, coarse scales first: for a start from a face box."""
TRACKING_WINDOWS: Windows = (0, 9, 7)
"""For a start from where the face was a moment ago, or from other landmarks of this frame."""

SMALLEST = 2
"""px: of a picture's width or height."""
SURE = -0.45
"""A fit is right where the validator's certainty is below this."""


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkModels:
    """parts: in the order in which their points are taken; validator: None where there is none."""

    face: LandmarkModel
    parts: dict[PartName, Part]
    validator: Validator | None


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Where the face is in one picture. All numbers are finite, whatever the picture.

    points: (68, 2) px; fit: the shape that they are the projection of, from which the face is
    followed into the next picture; parts: their own points (N, 2) px, of those that were looked
    for; of an eye's 28 those from 8 to 19 are the lids, the last eight the pupil; irises: (2, 8, 2)
    px, on the edges of the left and the right iris as the picture has them, NaN for an eye that
    shows none or was too small to be looked for; certainty: from -1 (sure) to 1 (wrong), None
    without a validator; success: whether the points are believed. Without a validator it says only
    that the face was large enough.
    """

    points: Floats
    fit: ShapeFit
    parts: dict[PartName, Floats]
    irises: Floats
    certainty: float | None
    success: bool


class LandmarkTracker:
    """Follows a face; what it knows of it travels in what it gives and is given."""

    def __init__(self, models: LandmarkModels) -> None:
        self._models = models

    @property
    def shape_model(self) -> ShapeModel:
        """The whole face's."""
        return self._models.face.shape

    def follow(
        self, grey: Grey, start: ShapeFit | Floats, windows: Windows = TRACKING_WINDOWS
    ) -> Followed:
        """The face in a picture (H, W), brightness after cv2.COLOR_BGR2GRAY.

        start: a former picture's `fit`, or landmarks (68, 2), px; windows: of the response maps.
        """
        begin = self._begin(start)
        if begin is None or min(grey.shape) < SMALLEST:
            return self._lost(begin)
        fitted = fit_landmarks(self._models.face, grey, begin, windows)
        if not fitted.found:
            return self._lost(fitted.fit)
        fit, located = self._refined(grey, fitted.fit)
        points = self._models.face.projected(fit)
        parts = {name: self._projected(name, own) for name, own in located.items()}
        irises = self._irises(grey, located, parts)
        validator = self._models.validator
        if validator is None:
            return Followed(points, fit, parts, irises, certainty=None, success=True)
        certainty = validator.certainty(grey, points, fit.pose.angles)
        return Followed(points, fit, parts, irises, certainty, success=certainty < SURE)

    def _begin(self, start: ShapeFit | Floats) -> ShapeFit | None:
        """The fit to start from; None where the start is none."""
        if isinstance(start, ShapeFit):
            return start if is_finite(start) else None
        try:
            return fit_shape(self._models.face.shape, start)
        except ValueError:
            return None

    def _refined(self, grey: Grey, fit: ShapeFit) -> tuple[ShapeFit, dict[PartName, ShapeFit]]:
        """The fit after the parts had their say, and their own.

        Parts are not heard where no shape can be fitted to what they say.
        """
        face = self._models.face
        whole = merged = face.projected(fit)
        located: dict[PartName, ShapeFit] = {}
        for name, part in self._models.parts.items():
            if part.is_seen_at(fit.pose.scale):
                own = part.located(grey, whole)
                if own is not None:
                    located[name] = own
                    merged = part.merged(self._projected(name, own), merged)
        try:
            return (fit_shape(face.shape, merged) if located else fit), located
        except ValueError:
            return fit, {}

    def _projected(self, name: PartName, own: ShapeFit) -> Floats:
        return self._models.parts[name].model.projected(own)

    def _irises(
        self, grey: Grey, located: dict[PartName, ShapeFit], parts: dict[PartName, Floats]
    ) -> Floats:
        """See `Followed.irises`; located, parts: the parts' own fits and points."""
        found = np.full((len(EYES), IRIS_POINTS, 2), np.nan)
        for place, name in enumerate(EYES):
            own = located.get(name)
            if own is not None and shows_iris(grey, self._models.parts[name].model, own):
                found[place] = iris_edge(grey, parts[name][:IRIS_POINTS])
        return found

    def _lost(self, fit: ShapeFit | None) -> Followed:
        """What could not be followed; fit: the last that can be said, if there is one."""
        if fit is None:
            modes = self._models.face.shape.variances.size
            fit = ShapeFit(Pose(1.0, np.eye(3), np.zeros(2)), np.zeros(modes))
        certainty = None if self._models.validator is None else WRONG
        points = self._models.face.projected(fit)
        irises = np.full((len(EYES), IRIS_POINTS, 2), np.nan)
        return Followed(points, fit, {}, irises, certainty, success=False)
