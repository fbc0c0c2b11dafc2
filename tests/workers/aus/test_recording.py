"""A recording frame by frame, against a plain version that keeps every face until the end."""

import numpy as np
import pytest

from tests.stand_ins.shape_models import made_up
from workers.aus.openface2.descriptor import HOG_BINNING, geometry
from workers.aus.openface2.evidence import FaceEvidence, takes_part_in_median
from workers.aus.openface2.fhog import LENGTH
from workers.aus.openface2.predictors import Predictor, Predictors
from workers.aus.openface2.recording import RecordingPredictor

SHAPES = made_up()
FEATURES = LENGTH + 204 + 5


@pytest.fixture(scope="module")
def predictors():
    random = np.random.default_rng(5)
    return Predictors(
        [
            Predictor(
                au=f"AU{n:02}",
                kind=kind,
                dynamic=dynamic,
                weights=random.normal(0, 0.02, FEATURES),
                means=random.uniform(0, 0.2, FEATURES),
                bias=0.5,
                cutoff=0.3 if dynamic and kind == "intensity" else None,
            )
            for n, (kind, dynamic) in enumerate(
                (kind, dynamic) for kind in ("intensity", "presence") for dynamic in (False, True)
            )
        ]
    )


def faces(count, seed=0):
    """(HOG, shape parameters) of some faces that change slowly."""
    random = np.random.default_rng(seed)
    base = random.uniform(0, 0.3, LENGTH)
    return [
        (
            np.clip(base + random.normal(0, 0.03, LENGTH), 0, None).astype(np.float32),
            random.normal(0, 8, 5).astype(np.float32),
        )
        for _ in range(count)
    ]


def evidence(predictors, face, index):
    hog, local = face
    features = np.concatenate([hog, geometry(SHAPES, local.astype(float))])
    return FaceEvidence(
        responses=predictors.responses(features).astype(np.float32),
        pose=np.zeros(6, np.float32),
        local=local,
        hog_bins=HOG_BINNING.bins(hog.astype(float)) * takes_part_in_median(index),
    )


def streamed(predictors, recording, again=3000):
    made = RecordingPredictor(SHAPES, predictors, again)
    for index, face in enumerate(recording):
        made.add(None if face is None else evidence(predictors, face, index))
    return made.predictions()


def median_of(seen):
    """Section 6 of the specification on a list of features."""
    low = np.where(np.arange(FEATURES) < LENGTH, -0.005, -60.0)
    high = np.where(np.arange(FEATURES) < LENGTH, 1.0, 60.0)
    count = np.where(np.arange(FEATURES) < LENGTH, 1000, 10000)
    bins = np.trunc(np.clip((np.stack(seen) - low) * count / (high - low), 0, count - 1))
    middle = np.sort(bins, axis=0)[(len(seen) + 1) // 2 - 1]
    width = (high - low) / count
    value = low + middle * width + width / 2
    return np.where(np.arange(FEATURES) < LENGTH, np.maximum(value, 0), value)


def plain(predictors, recording, again=3000):
    """Predictions that keep all features; the median is None until there is one."""
    seen, median, kept, y, found = [], None, {}, [], 0
    for index, face in enumerate(recording):
        features = (
            np.zeros(FEATURES)
            if face is None
            else np.concatenate([face[0], geometry(SHAPES, face[1].astype(float))])
        )
        if index % 2 == 0:
            if face is not None:
                seen.append(features)
            if len(seen) == 1:
                median = features
            elif seen:
                median = median_of(seen)
        if face is None:
            y.append(np.zeros(len(predictors)))
            continue
        found += 1
        if found <= again:
            kept[index] = features
            y.append(None)
        else:
            y.append(predictors.responses(features) - predictors.neutral_responses(median))
    for index, features in kept.items():
        y[index] = predictors.responses(features) - predictors.neutral_responses(median)
    return np.array(y)


def check(predictors, recording, again=3000):
    np.testing.assert_allclose(
        streamed(predictors, recording, again), plain(predictors, recording, again), atol=1e-5
    )


def test_streaming_equals_keeping_everything(predictors):
    check(predictors, faces(25))


def test_frames_without_a_face_are_zero_and_no_part_of_the_median(predictors):
    recording = faces(25)
    for index in (0, 3, 4, 5, 10, 24):
        recording[index] = None
    check(predictors, recording)
    assert not streamed(predictors, recording)[[0, 3, 4, 5, 10, 24]].any()


def test_only_the_first_successful_frames_are_predicted_again(predictors):
    recording = faces(25)
    recording[2] = recording[7] = None
    check(predictors, recording, again=10)
    changed = streamed(predictors, recording, again=10) != streamed(predictors, recording)
    assert changed[12:].any(axis=1).all()
    assert not changed[:12].any()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_few_faces_are_enough(predictors, count):
    check(predictors, faces(count))


def test_a_lone_face_is_its_own_neutral_until_a_frame_without_one(predictors):
    (face,) = faces(1)
    for recording in ([face], [face, None], [face, None, None], [None, None, face, None]):
        check(predictors, recording)


def test_a_lone_face_that_the_median_missed_is_its_own_neutral_too(predictors):
    (face,) = faces(1)
    alone = streamed(predictors, [face])
    np.testing.assert_array_equal(streamed(predictors, [None, face])[1], alone[0])


def test_nobody_gives_zeros(predictors):
    made = RecordingPredictor(SHAPES, predictors)
    for _ in range(9):
        made.add(None)
    aus = made.finish()
    assert aus.intensities.shape == aus.presences.shape == (9, 2)
    assert not aus.intensities.any()
    assert not aus.presences.any()


def test_no_frames_give_no_rows(predictors):
    assert RecordingPredictor(SHAPES, predictors).finish().intensities.shape == (0, 2)
