"""From the faces of a whole recording, in order, to its AUs.

The neutral face is a running median over every other frame. OpenFace 2 predicts while it tracks and
at the end predicts the first 3,000 successful frames once more with the final median. As the models
are linear, only each face's responses are kept for that: P numbers a frame, not its features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats
from workers.aus.openface2.corrections import corrected_intensities, corrected_presences
from workers.aus.openface2.descriptor import GEOMETRY_BINNING, HOG_BINNING, geometry
from workers.aus.openface2.evidence import FaceEvidence, takes_part_in_median
from workers.aus.openface2.fhog import LENGTH as HOG_LENGTH
from workers.aus.openface2.predictors import Predictors
from workers.aus.openface2.running_median import RunningMedian
from workers.face.shape.shape_model import ShapeModel

PREDICTED_AGAIN = 3000
"""Successful frames that are predicted once more with the final median."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordingAus:
    """n frames: intensities (n, I), 0 to 5, of intensity_aus; presences (n, C), of presence_aus."""

    intensity_aus: tuple[str, ...]
    presence_aus: tuple[str, ...]
    intensities: Floats
    presences: NDArray[np.bool_]


class RecordingPredictor:
    """The AUs of one face through one recording; frames come in order, without gaps."""

    def __init__(
        self, model: ShapeModel, predictors: Predictors, predicted_again: int = PREDICTED_AGAIN
    ) -> None:
        self._model = model
        self._predictors = predictors
        self._predicted_again = predicted_again
        geometry_length = predictors.features - HOG_LENGTH
        self._hog = RunningMedian(HOG_LENGTH, HOG_BINNING.count)
        self._geometry = RunningMedian(geometry_length, GEOMETRY_BINNING.count)
        self._lone_neutral: Floats | None = None
        self._found = 0
        self._y: list[NDArray[np.float32]] = []
        self._success: list[bool] = []

    @property
    def median(self) -> Floats:
        """The neutral face (F,) so far, of two faces or more."""
        hog = np.maximum(HOG_BINNING.centres(self._hog.median), 0.0)
        return np.concatenate([hog, GEOMETRY_BINNING.centres(self._geometry.median)])

    @property
    def success(self) -> NDArray[np.bool_]:
        """Which frames have a face: (n,)."""
        return np.array(self._success, dtype=np.bool_)

    def add(self, face: FaceEvidence | None) -> None:
        """The next frame; None where it has no face."""
        if takes_part_in_median(len(self._y)):
            self._take_into_median(face)
        elif self._found == 0 and face is not None:
            self._lone_neutral = self._neutral_of_itself(face)
        self._success.append(face is not None)
        self._found += face is not None
        if face is None:
            self._y.append(np.zeros(len(self._predictors), dtype=np.float32))
        elif self._found <= self._predicted_again:
            self._y.append(face.responses)
        else:
            self._y.append((face.responses - self._neutral()).astype(np.float32))

    def predictions(self) -> Floats:
        """y (n, P) of all frames, 0 where there is no face."""
        y = np.array(self._y, dtype=np.float64).reshape(-1, len(self._predictors))
        success = self.success
        if success.any():
            y[success & (np.cumsum(success) <= self._predicted_again)] -= self._neutral()
        return y

    def finish(self) -> RecordingAus:
        """The AUs of all frames, corrected over the whole recording."""
        y, success = self.predictions(), self.success
        predictors = self._predictors
        return RecordingAus(
            predictors.intensity_aus,
            predictors.presence_aus,
            corrected_intensities(predictors.intensities(y), success, predictors.cutoffs),
            corrected_presences(predictors.presences(y), success),
        )

    def _take_into_median(self, face: FaceEvidence | None) -> None:
        if face is not None:
            self._hog.add(face.hog_bins)
            shape = geometry(self._model, face.local.astype(np.float64))
            self._geometry.add(GEOMETRY_BINNING.bins(shape))
        if self._hog.faces == 1:
            # OpenFace: a lone face is its own median, and a frame without a face then clears it.
            self._lone_neutral = (
                np.zeros(len(self._predictors)) if face is None else self._neutral_of_itself(face)
            )

    def _neutral(self) -> Floats:
        """What the neutral face takes away from each response: (P,)."""
        if self._lone_neutral is not None and self._hog.faces < 2:
            return self._lone_neutral
        return self._predictors.neutral_responses(self.median)

    def _neutral_of_itself(self, face: FaceEvidence) -> Floats:
        return self._predictors.neutral_of_itself(face.responses.astype(np.float64))
