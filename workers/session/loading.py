"""The loaded models of one worker process."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2
import onnxruntime

from weights.checked_files import CheckedFile
from weights.manifest import MODELS, AuMethod, InstalledModel
from workers.aus.labels import FaceKind
from workers.aus.measurers import FaceMeasurer, OpenFace2Measurer, OpenFace3Measurer
from workers.aus.openface2.models import OpenFace2Models, open_openface2
from workers.clnf.following import FaceTrack, RestartedTracker
from workers.clnf.model_file import load_landmark_models
from workers.clnf.tracker import LandmarkTracker
from workers.face.flow.run_follower import RunFollower
from workers.face.landmarker import Landmarker
from workers.face.lockstep import LockstepFollower, runs_together
from workers.face.scheme import LandmarkName
from workers.face.shape.shape_model import ShapeModel
from workers.face.tracking import FaceTracker, Follower, FrameByFrame, Tracker
from workers.models.multitask import ActionUnitScores
from workers.models.pfld68 import Pfld68
from workers.models.retinaface import RetinaFace
from workers.models.runner import Runner
from workers.models.star98 import Star98, StarBatch
from workers.session.backends import Backend, as_run
from workers.session.needed_models import NO_NETWORKS, check_weights
from workers.session.runners import open_runner


@dataclass(frozen=True, slots=True)
class Models:
    """What the analysis of a chunk needs: detectors, landmarks, AU models, and their origin.

    installed: each with the kind that is run; landmark_tracker: OpenFace 2's, which starts from
    what the landmarker says; None without; star_batch: STAR for `backend.star_batch` crops at once,
    None where one at a time is as fast.
    """

    seeker: RetinaFace
    verifier: RetinaFace
    landmarker: Landmarker
    aus: ActionUnitScores | OpenFace2Models
    installed: tuple[InstalledModel, ...]
    landmark_tracker: LandmarkTracker | None = None
    star_batch: Runner | None = None

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
            return self._face_tracker()
        return RestartedTracker(
            lambda: FaceTrack(self.seeker, self.verifier, self.landmarker, followed), stop
        )

    def follower(self, stop: int, fast: bool, picture_bytes: int) -> Follower:
        """What follows the face up to the frame of this index. fast: looking at few frames, for
        landmark models that look at frames one by one; picture_bytes: of a frame."""
        tracker = self.tracker(stop)
        if not isinstance(tracker, FaceTracker):
            return FrameByFrame(tracker)
        if fast:
            return RunFollower(tracker, self.landmarker.scheme)
        if self.star_batch is not None:
            batch = StarBatch(self.star_batch)
            runs = runs_together(picture_bytes, batch.slots)
            if runs > 1:
                return LockstepFollower(self._face_tracker, batch, runs)
        return FrameByFrame(tracker)

    def _face_tracker(self) -> FaceTracker:
        return FaceTracker(self.seeker, self.verifier, self.landmarker)

    def measurer(self, kind: FaceKind) -> FaceMeasurer:
        """What measures faces of this kind."""
        if isinstance(self.aus, OpenFace2Models):
            return OpenFace2Measurer(self.aus, self.landmarker.scheme, kind)
        return OpenFace3Measurer(self.aus, self.landmarker.scheme)


def load_models(
    weights: Path,
    backend: Backend,
    landmarks: LandmarkName,
    aus: AuMethod,
    compiled: Path,
    checked: Collection[CheckedFile] = (),
) -> Models:
    """Check and load the models that an analysis needs.

    compiled: folder for compiled Core ML models; checked: see `check_weights`. Raises WeightsError,
    or ProviderError where ONNX Runtime would quietly run on another provider.
    """
    cv2.setNumThreads(1)
    onnxruntime.set_default_logger_severity(3)
    installed = check_weights(weights, landmarks, aus, checked)
    records = {model.name: model for model in installed}

    def opened(name: str, batch: int = 1) -> Runner:
        return open_runner(weights, records[name], backend, compiled, batch)

    star = landmarks == "star98"
    batch = backend.star_batch if star else 1
    return Models(
        seeker=RetinaFace(opened("retinaface_frame")),
        verifier=RetinaFace(opened("retinaface_face")),
        landmarker=Star98(opened("star98")) if star else Pfld68(opened("pfld68")),
        aus=ActionUnitScores(opened("mtl_aus"))
        if aus == "openface3"
        else open_openface2(weights / MODELS["openface2_aus"].file),
        installed=tuple(
            model if model.name in NO_NETWORKS else as_run(model, backend) for model in installed
        ),
        landmark_tracker=LandmarkTracker(load_landmark_models(weights / MODELS["clnf68"].file))
        if landmarks == "clnf68"
        else None,
        star_batch=opened("star98", batch) if batch > 1 else None,
    )
