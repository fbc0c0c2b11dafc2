"""The analysis of phantoms of every size and tilt, frame by frame, without queue and video."""

from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from tests.measurement import (
    HELD_SEEDS,
    LEFT_FACTOR,
    Measurement,
    check_against_truth,
    true_aus,
)
from weights.demo.exercises import Recording, Script, exercises, frames, pose_at
from weights.demo.face_shape import AUS
from weights.manifest import DEMO_FOLDER
from workers.aus.labels import HEAD_LABELS
from workers.aus.occurrence_scores import OccurrenceScores
from workers.chunk.analysis import analysed_face
from workers.chunk.order import LOOKBACK, Smoothing
from workers.face.scheme import WFLW98
from workers.face.tracking import FaceTracker
from workers.session.backends import CPU
from workers.session.loading import Models, load_models

SCRIPT = exercises(LEFT_FACTOR)
SMALL = Recording(seed=HELD_SEEDS[0], rate=10, width=640, height=360)
MOVING = {"walk": 0.03, "tilting": 10.0}
"""3 % of the face's width from frame to frame, and 10 degrees a second."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    compiled = tmp_path_factory.mktemp("compiled")
    return load_models(DEMO_FOLDER, CPU, "star98", "openface3", compiled)


def analysed(
    recording: Recording, models: Models, script: Script = SCRIPT, smoothing: Smoothing = "none"
) -> Measurement:
    tracker = FaceTracker(models.seeker, models.verifier, models.landmarker)
    measurer = models.measurer("mirrored")
    window = deque(maxlen=LOOKBACK[smoothing] + 1)
    true, true_points, aus, points, poses = [], [], [], [], []
    for frame in frames(recording, script):
        face = tracker.step(frame.index, frame.picture).face
        assert face is not None, frame.index
        window.append(face)
        found = analysed_face(frame.picture, face, list(window), WFLW98)
        assert found is not None, frame.index
        row = measurer.measure(frame.index, frame.picture, found)
        assert isinstance(row, OccurrenceScores)
        aus.append(np.concatenate([row.head_scores[0], row.au45[0][:, None] / 5], axis=1))
        points.append(face.points)
        poses.append(found.pose.values())
        true.append(true_aus(frame))
        true_points.append(frame.truth.points)
    known_and_found = (np.array(rows) for rows in (true, true_points, aus, points, poses))
    return Measurement(recording, script, *known_and_found)


def test_scores_stand_in_the_phantoms_order() -> None:
    names = (*HEAD_LABELS["openface3"], "AU45")
    assert tuple(au.upper() for au in AUS) == names


HEIGHTS = (0.15, 0.3, 0.55, 0.8)
ROLLS = (-25.0, 0.0, 25.0)
# Every height with every tilt, and every look with each of them: a Latin square.
SQUARE = [
    (HELD_SEEDS[(row + column) % len(HELD_SEEDS)], height, roll)
    for row, height in enumerate(HEIGHTS)
    for column, roll in enumerate(ROLLS)
]


@pytest.mark.parametrize(("seed", "height", "roll"), SQUARE)
def test_a_phantom_is_measured_right(seed: int, height: float, roll: float, models: Models) -> None:
    recording = Recording(seed=seed, face=height, roll=roll, rate=5)
    check_against_truth(analysed(recording, models))


def sides_apart(measured: Measurement) -> np.ndarray:
    """How far the sides' AUs are apart in each frame, 0 to 1: (frames,)."""
    return np.abs(measured.aus[:, 0] - measured.aus[:, 1]).mean(axis=1)


def held(models: Models, script: Script, **motion: float) -> Measurement:
    return analysed(replace(SMALL, **motion), models, script)


def test_the_sides_of_a_symmetric_phantom_are_as_alike_while_it_moves(models: Models) -> None:
    symmetric = exercises(left_factor=1.0)
    still, moving = held(models, symmetric, sway=0.0), held(models, symmetric, **MOVING)
    steps = np.linalg.norm(np.diff(moving.true_points[:, 51], axis=0), axis=1)
    assert np.median(steps) > 0.025 * 0.8 * 180
    assert sides_apart(moving).mean() <= sides_apart(still).mean() + 0.02
    assert sides_apart(moving).max() <= sides_apart(still).max() + 0.1


def test_a_weak_side_is_found_and_keeps_its_ratio_while_the_phantom_moves(models: Models) -> None:
    check_against_truth(held(models, SCRIPT, **MOVING))


def test_the_old_rule_takes_the_movement_for_the_face(models: Models) -> None:
    """`--smoothing face-mirror-1` gives the numbers of old studies, with their fault."""
    symmetric = exercises(left_factor=1.0)
    moving = replace(SMALL, seconds=8.0, **MOVING)
    present = analysed(moving, models, symmetric)
    lagging = analysed(moving, models, symmetric, smoothing="face-mirror-1")
    np.testing.assert_array_equal(lagging.points, present.points)
    assert sides_apart(lagging).mean() > 2 * sides_apart(present).mean()


def test_how_the_head_is_turned_is_read_from_the_picture(models: Models) -> None:
    turning = {"turn": 18.0, "nod": 12.0}
    recording = replace(SMALL, seed=HELD_SEEDS[1], seconds=6.0, **turning, **MOVING)
    measured = analysed(recording, models, exercises(left_factor=1.0))
    true = np.array([pose_at(i / 10, recording) for i in range(recording.count)])
    angles = np.array([[pose.yaw, pose.pitch, pose.roll] for pose in true])
    assert np.ptp(angles, axis=0).min() > 20
    assert np.abs(measured.poses - angles).mean(axis=0).max() < 1.5
    assert np.abs(measured.poses - angles).max() < 3.0
