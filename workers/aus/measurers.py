"""Measuring AUs on the faces of a frame, by either method."""

from typing import Protocol

import numpy as np

from workers.arrays import Floats, Image
from workers.aus.au_arrays import AuArrays
from workers.aus.labels import FaceKind
from workers.aus.occurrence_scores import OccurrenceScores
from workers.aus.openface2.descriptor import describe
from workers.aus.openface2.evidence import (
    POSE_LENGTH,
    ChunkEvidence,
    FaceEvidence,
    takes_part_in_median,
)
from workers.aus.openface2.models import OpenFace2Models
from workers.face.analysed_face import AnalysedFace
from workers.face.eyes import au45
from workers.face.mirroring import SIDES, mirrored_landmarks, mirrored_points
from workers.face.scheme import LandmarkScheme
from workers.models.multitask import ActionUnitScores


class FaceMeasurer(Protocol):
    """Measures what the AUs of a frame follow from."""

    def of_no_face(self) -> AuArrays:
        """What stands for one frame without a face."""
        ...

    def measure(self, index: int, picture: Image, found: AnalysedFace) -> AuArrays | None:
        """One frame, by its index in the recording; None where its face cannot be measured."""
        ...


class OpenFace3Measurer:
    """Scores of OpenFace 3's AU head on the mirrored faces, and eye closure by the eyes' shape."""

    def __init__(self, scorer: ActionUnitScores, scheme: LandmarkScheme) -> None:
        self._scorer = scorer
        self._scheme = scheme

    def of_no_face(self) -> OccurrenceScores:
        """See `FaceMeasurer`."""
        return OccurrenceScores.of_no_face()

    def measure(self, index: int, picture: Image, found: AnalysedFace) -> OccurrenceScores:  # noqa: ARG002
        """See `FaceMeasurer`. The boxes follow from the landmarks: no second detection."""
        margins = found.face.margins.symmetric()
        faces = [
            (
                found.mirrored[side],
                margins.around(mirrored_points(found.points, found.line, side)),
            )
            for side in SIDES
        ]
        closure = [au45(found.face.points, self._scheme, side) for side in SIDES]
        return OccurrenceScores(
            head_scores=self._scorer.score(faces)[None],
            au45=np.array([closure], dtype=np.float32),
        )


class OpenFace2Measurer:
    """What OpenFace 2's AU models see in the mirrored faces, or in the face as filmed.

    Its landmarks are not smoothed, as OpenFace does not smooth them.
    """

    def __init__(self, models: OpenFace2Models, scheme: LandmarkScheme, kind: FaceKind) -> None:
        self._models = models
        self._scheme = scheme
        self._kind = kind

    def of_no_face(self) -> ChunkEvidence:
        """See `FaceMeasurer`."""
        return ChunkEvidence.of_no_face(
            faces=len(SIDES) if self._kind == "mirrored" else 1,
            responses=len(self._models.predictors),
            local=self._models.shape_model.variances.size,
        )

    def measure(self, index: int, picture: Image, found: AnalysedFace) -> ChunkEvidence | None:
        """See `FaceMeasurer`."""
        points, line = found.face.points, found.line
        if self._kind == "mirrored":
            faces = [
                (found.mirrored[side], mirrored_landmarks(points, line, side, self._scheme))
                for side in SIDES
            ]
        else:
            faces = [(picture, points)]
        try:
            return ChunkEvidence.of_frame([self._evidence(index, *face) for face in faces])
        except (ValueError, np.linalg.LinAlgError):
            return None

    def _evidence(self, index: int, picture: Image, points: Floats) -> FaceEvidence:
        models = self._models
        face = describe(models.shape_model, models.triangles, picture, points)
        responses = models.predictors.responses(face.features(models.shape_model))
        bins, shape = face.hog_bins, face.fit.values().astype(np.float32)
        return FaceEvidence(
            responses=responses.astype(np.float32),
            pose=shape[:POSE_LENGTH],
            local=shape[POSE_LENGTH:],
            hog_bins=bins if takes_part_in_median(index) else np.zeros_like(bins),
        )
