"""The analysis of phantoms of every size and tilt, frame by frame, without queue and video."""

from collections import deque

import numpy as np
import pytest

from tests.measurement import (
    HELD_SEEDS,
    LEFT_FACTOR,
    Measurement,
    check_against_truth,
    true_aus,
)
from weights.demo.exercises import Recording, exercises, frames
from weights.demo.face_shape import AUS
from weights.manifest import DEMO_FOLDER
from workers.aus.labels import HEAD_LABELS
from workers.aus.occurrence_scores import OccurrenceScores
from workers.chunk.analysis import analysed_face
from workers.face.scheme import WFLW98
from workers.face.smoothing import HISTORY
from workers.face.tracking import FaceTracker
from workers.session.loading import Models, load_models

SCRIPT = exercises(LEFT_FACTOR)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    compiled = tmp_path_factory.mktemp("compiled")
    return load_models(DEMO_FOLDER, "cpu", "star98", "openface3", compiled)


def analysed(recording: Recording, models: Models) -> Measurement:
    tracker = FaceTracker(models.seeker, models.verifier, models.landmarker)
    measurer = models.measurer("mirrored")
    window = deque(maxlen=HISTORY + 1)
    true, true_points, aus, points = [], [], [], []
    for frame in frames(recording, SCRIPT):
        face = tracker.step(frame.index, frame.picture).face
        assert face is not None, frame.index
        window.append(face)
        found = analysed_face(frame.picture, face, list(window), WFLW98)
        assert found is not None, frame.index
        row = measurer.measure(frame.index, frame.picture, found)
        assert isinstance(row, OccurrenceScores)
        aus.append(np.concatenate([row.head_scores[0], row.au45[0][:, None] / 5], axis=1))
        points.append(face.points)
        true.append(true_aus(frame))
        true_points.append(frame.truth.points)
    known_and_found = (np.array(rows) for rows in (true, true_points, aus, points))
    return Measurement(recording, SCRIPT, *known_and_found)


def test_scores_stand_in_the_phantoms_order() -> None:
    names = (*HEAD_LABELS["openface3"], "AU45")
    assert tuple(au.upper() for au in AUS) == names


@pytest.mark.parametrize("roll", [-25.0, 0.0, 25.0])
@pytest.mark.parametrize("height", [0.15, 0.3, 0.55, 0.8])
@pytest.mark.parametrize("seed", HELD_SEEDS)
def test_a_phantom_is_measured_right(seed: int, height: float, roll: float, models: Models) -> None:
    recording = Recording(seed=seed, face=height, roll=roll, rate=5)
    check_against_truth(analysed(recording, models))
