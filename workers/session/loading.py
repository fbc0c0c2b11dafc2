"""The loaded models of one worker process."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import onnxruntime

from weights.manifest import MODELS, AuMethod, InstalledModel
from workers.aus.labels import FaceKind
from workers.aus.measurers import FaceMeasurer, OpenFace2Measurer, OpenFace3Measurer
from workers.aus.openface2.models import OpenFace2Models, open_openface2
from workers.clnf.following import FaceTrack, RestartedTracker
from workers.clnf.model_file import load_landmark_models
from workers.clnf.tracker import LandmarkTracker
from workers.face.landmarker import Landmarker
from workers.face.scheme import LandmarkName
from workers.face.shape.shape_model import ShapeModel
from workers.face.tracking import FaceTracker, Tracker
from workers.models.multitask import ActionUnitScores
from workers.models.pfld68 import PICTURES as PFLD_PICTURES
from workers.models.pfld68 import Pfld68
from workers.models.retinaface import RetinaFace
from workers.models.star98 import Star98
from workers.session.needed_models import check_weights
from workers.session.onnx_model import OnnxModel
from workers.session.providers import ONNX_NAMES, Provider, ProviderError, execution_providers


@dataclass(frozen=True, slots=True)
class Models:
    """What the analysis of a chunk needs: detectors, landmarks, AU models, and their origin.

    landmark_tracker: OpenFace 2's, which starts from what the landmarker says; None without.
    """

    seeker: RetinaFace
    verifier: RetinaFace
    landmarker: Landmarker
    aus: ActionUnitScores | OpenFace2Models
    installed: tuple[InstalledModel, ...]
    landmark_tracker: LandmarkTracker | None = None

    @property
    def shape_model(self) -> ShapeModel | None:
        """The shape that the landmarks come fitted with, if they do."""
        return None if self.landmark_tracker is None else self.landmark_tracker.shape_model

    @property
    def shape_numbers(self) -> int:
        """How many numbers a face's shape has in a row: its fit's, and its place's."""
        return 0 if self.shape_model is None else 6 + self.shape_model.variances.size + 6

    def tracker(self, stop: int) -> Tracker:
        """What follows the face up to the frame of this index, which is no more looked at."""
        followed = self.landmark_tracker
        if followed is None:
            return FaceTracker(self.seeker, self.verifier, self.landmarker)
        return RestartedTracker(
            lambda: FaceTrack(self.seeker, self.verifier, self.landmarker, followed), stop
        )

    def measurer(self, kind: FaceKind) -> FaceMeasurer:
        """What measures faces of this kind."""
        if isinstance(self.aus, OpenFace2Models):
            return OpenFace2Measurer(self.aus, self.landmarker.scheme, kind)
        return OpenFace3Measurer(self.aus, self.landmarker.scheme)


NO_NETWORKS = ("clnf68", "openface2_aus")
"""They are not run by ONNX Runtime."""


def load_models(
    weights: Path, provider: Provider, landmarks: LandmarkName, aus: AuMethod, compiled: Path
) -> Models:
    """Check and load the models that an analysis needs.

    compiled: folder for compiled Core ML models. Raises WeightsError, or ProviderError where ONNX
    Runtime would quietly run on another provider.
    """
    cv2.setNumThreads(1)
    onnxruntime.set_default_logger_severity(3)
    installed = check_weights(weights, landmarks, aus)
    loaded = {
        model.name: _load(weights, model, provider, compiled)
        for model in installed
        if model.name not in NO_NETWORKS
    }
    star = landmarks == "star98"
    return Models(
        seeker=RetinaFace(loaded["retinaface_frame"]),
        verifier=RetinaFace(loaded["retinaface_face"]),
        landmarker=Star98(loaded["star98"]) if star else Pfld68(loaded["pfld68"]),
        aus=ActionUnitScores(loaded["mtl_aus"])
        if aus == "openface3"
        else open_openface2(weights / MODELS["openface2_aus"].file),
        installed=installed,
        landmark_tracker=LandmarkTracker(load_landmark_models(weights / MODELS["clnf68"].file))
        if landmarks == "clnf68"
        else None,
    )


def _load(
    weights: Path, installed: InstalledModel, provider: Provider, compiled: Path
) -> OnnxModel:
    # A folder for each checksum: Core ML's cache does not notice that a model has changed.
    cache = compiled / installed.sha256[:16]
    cache.mkdir(parents=True, exist_ok=True)
    # PFLD's file leaves its batch size open; Core ML wants every shape fixed.
    fixed = {"batch_size": PFLD_PICTURES} if installed.name == "pfld68" else None
    model = OnnxModel(weights / installed.file, execution_providers(provider, cache), fixed)
    if ONNX_NAMES[provider] not in model.provider_names:
        raise ProviderError(
            f"{installed.file} does not run on '{provider}' here (ONNX Runtime set up "
            f"{', '.join(model.provider_names)}): choose another --provider"
        )
    return model
