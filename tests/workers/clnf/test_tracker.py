"""Following a face that is drawn as dots: found, followed, judged, lost."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.stand_ins.landmark_models import drawn, face_at
from workers.clnf.model_file import LIDS
from workers.clnf.tracker import INITIAL_WINDOWS, TRACKING_WINDOWS, LandmarkTracker
from workers.face.shape.shape_fit import ShapeFit, fit_shape
from workers.face.shape.shape_model import Pose, rotation_matrix

RANDOM = np.random.default_rng(2)
ROOT = Path(__file__).resolve().parents[3]
POSED = {"scale": 1.6, "local": (12.0, -9.0, 6.0, 5.0)}


@pytest.fixture
def tracker(dot_models):
    return LandmarkTracker(dot_models)


def off(points, distance=2.0):
    return points + np.array([distance, -distance]) + RANDOM.normal(0, 0.5, points.shape)


def errors(found, points):
    return np.linalg.norm(found.points - points, axis=1)


def all_numbers(found):
    pose = found.fit.pose
    numbers = [found.points, pose.rotation, pose.translation, found.fit.local, pose.scale]
    return [*numbers, *found.parts.values(), found.certainty or 0.0]


@pytest.mark.parametrize("windows", [INITIAL_WINDOWS, TRACKING_WINDOWS])
def test_a_face_is_found_from_landmarks_near_by(tracker, windows):
    rotation = rotation_matrix(np.array([0.1, 0.15, -0.2]))
    points, _ = face_at(**POSED, rotation=rotation)
    found = tracker.follow(drawn(points, 1.6), off(points, 3.0), windows)
    assert found.success
    assert np.median(errors(found, points)) < 0.25
    assert errors(found, points).max() < 1.0
    np.testing.assert_allclose(found.fit.pose.angles, (0.1, 0.15, -0.2), atol=0.02)


def test_a_moving_face_is_followed_from_picture_to_picture(tracker):
    found = None
    for step in range(12):
        rotation = rotation_matrix(np.array([0.0, 0.02 * step, 0.03 * step]))
        points, _ = face_at(
            1.6 - 0.02 * step, (280.0 + 4 * step, 240.0 - 2 * step), rotation=rotation
        )
        start = off(points) if found is None else found.fit
        found = tracker.follow(drawn(points, 1.6 - 0.02 * step), start)
        assert found.success
        assert np.median(errors(found, points)) < 0.4
    assert "right_eye" in found.parts


def test_the_landmarks_are_those_of_one_shape_fitted_to_the_merged_parts(tracker, dot_models):
    points, _ = face_at(**POSED)
    grey = drawn(points, 1.6)
    found = tracker.follow(grey, off(points))
    np.testing.assert_array_equal(found.points, dot_models.face.projected(found.fit))
    alone = LandmarkTracker(replace(dot_models, parts={})).follow(grey, off(points))
    assert alone.parts == {}
    parts = dot_models.parts
    whole = tracker.follow(grey, found.fit)
    # The eyes come last, so theirs are the lids; the inner face's are the rest of 17 to 67.
    from workers.clnf.fitting import fit_landmarks

    main = fit_landmarks(dot_models.face, grey, found.fit, TRACKING_WINDOWS).fit
    merged = dot_models.face.projected(main)
    started_from = merged.copy()
    for name in ("inner", "right_eye", "left_eye"):
        located = parts[name].model.projected(parts[name].located(grey, started_from))
        np.testing.assert_array_equal(whole.parts[name], located)
    merged[17:] = whole.parts["inner"]
    merged[36:42] = whole.parts["right_eye"][LIDS]
    merged[42:48] = whole.parts["left_eye"][LIDS]
    expected = fit_shape(dot_models.face.shape, merged)
    np.testing.assert_array_equal(whole.fit.local, expected.local)


def test_parts_that_say_what_no_face_fits_are_not_heard(dot_models, monkeypatch):
    def refuse(*_):
        raise ValueError("no shape can be fitted to the landmarks")

    points, pose = face_at(**POSED)
    grey, start = drawn(points, 1.6), ShapeFit(pose, np.array(POSED["local"]))
    alone = LandmarkTracker(replace(dot_models, parts={})).follow(grey, start)
    monkeypatch.setattr("workers.clnf.tracker.fit_shape", refuse)
    found = LandmarkTracker(dot_models).follow(grey, start)
    assert found.parts == {}
    np.testing.assert_array_equal(found.points, alone.points)


def test_small_faces_are_followed_without_their_parts(tracker):
    points, _ = face_at(0.7)
    found = tracker.follow(drawn(points, 0.7), off(points, 1.0))
    assert found.success
    assert found.parts == {}
    assert np.median(errors(found, points)) < 0.3


def test_what_is_too_small_is_lost_and_says_so(tracker):
    points, pose = face_at(0.23)
    larger = ShapeFit(Pose(0.28, pose.rotation, pose.translation), np.zeros(4))
    found = tracker.follow(drawn(points, 0.23), larger, INITIAL_WINDOWS)
    assert not found.success
    assert found.certainty == 1.0


@pytest.mark.parametrize("shift", [(16, 0), (-7, 23), (40, -35)])
def test_moving_the_picture_by_whole_pixels_moves_the_result_as_far(dot_models, shift):
    points, _ = face_at(**POSED)
    grey = drawn(points, 1.6)
    start = fit_shape(dot_models.face.shape, off(points))
    pose = start.pose
    elsewhere = Pose(pose.scale, pose.rotation, pose.translation + np.array(shift))
    moved = np.roll(grey, shift[::-1], axis=(0, 1))
    # Without the eyes: where OpenFace starts them depends on how far from the border they are.
    parts = {"inner": dot_models.parts["inner"]}
    tracker = LandmarkTracker(replace(dot_models, parts=parts))
    here = tracker.follow(grey, start)
    there = tracker.follow(moved, ShapeFit(elsewhere, start.local))
    # Not quite exactly: coordinates are rounded to float32, and mean shifts to a grid.
    np.testing.assert_allclose(there.points, here.points + shift, atol=0.01)
    assert there.certainty == pytest.approx(here.certainty, abs=1e-3)
    whole = LandmarkTracker(dot_models)
    here, there = whole.follow(grey, start), whole.follow(moved, ShapeFit(elsewhere, start.local))
    np.testing.assert_allclose(there.points, here.points + shift, atol=0.05)


@pytest.mark.parametrize("size", [(480, 640), (144, 176), (2160, 3840), (2, 2)])
@pytest.mark.parametrize("kind", ["black", "white", "noise", "stripes"])
def test_pictures_without_a_face_are_no_errors_and_give_finite_numbers(tracker, size, kind):
    grey = np.zeros(size, np.uint8)
    if kind == "white":
        grey[:] = 255
    if kind == "noise":
        grey[:] = RANDOM.integers(0, 256, size, dtype=np.uint8)
    if kind == "stripes":
        grey[:, ::3] = 255
    scale = size[0] / 250
    points, _ = face_at(scale, (size[1] / 2, size[0] / 2))
    found = tracker.follow(grey, points)
    for _ in range(3):
        assert all(np.isfinite(one).all() for one in all_numbers(found))
        found = tracker.follow(grey, found.fit, INITIAL_WINDOWS)


@pytest.mark.parametrize("centre", [(0.0, 0.0), (-200.0, 240.0), (5000.0, -4000.0), (1e9, 1e9)])
def test_points_outside_the_picture_are_no_errors(tracker, centre):
    points, pose = face_at(1.6, centre)
    grey = drawn(face_at(1.6)[0], 1.6)
    for start in (points, ShapeFit(pose, np.zeros(4))):
        found = tracker.follow(grey, start)
        assert all(np.isfinite(one).all() for one in all_numbers(found))


@pytest.mark.parametrize(
    "start",
    [
        np.full((68, 2), np.nan),
        np.full((68, 2), 30.0),
        ShapeFit(Pose(np.inf, np.eye(3), np.zeros(2)), np.zeros(4)),
        ShapeFit(Pose(1.0, np.eye(3), np.array([np.nan, 0.0])), np.zeros(4)),
    ],
)
def test_a_start_that_is_none_is_lost(tracker, start):
    found = tracker.follow(np.zeros((48, 64), np.uint8), start)
    assert not found.success
    assert all(np.isfinite(one).all() for one in all_numbers(found))


def test_a_picture_of_a_single_row_is_lost(tracker):
    points, _ = face_at(1.6)
    assert not tracker.follow(np.zeros((1, 640), np.uint8), points).success


def test_who_is_not_sure_has_no_success(tracker, dot_models, monkeypatch):
    points, _ = face_at(**POSED)
    grey = drawn(points, 1.6)
    for certainty, success in ((-0.9, True), (-0.4501, True), (-0.45, False), (0.8, False)):
        monkeypatch.setattr(dot_models.validator, "certainty", lambda *_, c=certainty: c)
        found = tracker.follow(grey, points)
        assert (found.certainty, found.success) == (certainty, success)


def test_without_a_validator_nothing_says_how_sure_it_is(dot_models):
    tracker = LandmarkTracker(replace(dot_models, validator=None))
    points, pose = face_at(**POSED)
    found = tracker.follow(drawn(points, 1.6), off(points))
    assert found.success
    assert found.certainty is None
    tiny = ShapeFit(Pose(0.28, pose.rotation, pose.translation), np.zeros(4))
    lost = tracker.follow(drawn(points, 0.23), np.full((68, 2), np.nan))
    assert (lost.certainty, lost.success) == (None, False)
    assert tracker.follow(drawn(face_at(0.23)[0], 0.23), tiny, INITIAL_WINDOWS).success is False


def test_one_tracker_gives_the_same_every_time_and_keeps_nothing(tracker, dot_models):
    points, _ = face_at(**POSED)
    grey, start = drawn(points, 1.6), off(points)
    first = tracker.follow(grey, start)
    tracker.follow(RANDOM.integers(0, 256, (480, 640), dtype=np.uint8), start)
    for again in (tracker, LandmarkTracker(dot_models)):
        np.testing.assert_array_equal(again.follow(grey, start).points, first.points)


SCRIPT = """
import json, sys
import numpy as np
from pathlib import Path
from tests.stand_ins.landmark_models import drawn, face_at
from workers.clnf.model_file import load_landmark_models
from workers.clnf.tracker import LandmarkTracker
points, _ = face_at(1.6, local=(12.0, -9.0, 6.0, 5.0))
tracker = LandmarkTracker(load_landmark_models(Path(sys.argv[1])))
found = tracker.follow(drawn(points, 1.6), points + 2.0)
print(json.dumps([found.points.tolist(), found.certainty]))
"""


def test_the_number_of_threads_hardly_matters(dot_models_file):
    answers = []
    for threads in ("1", "2", "2"):
        limits = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, dot_models_file],
            cwd=ROOT,
            env=os.environ | limits,
            check=True,
            capture_output=True,
            text=True,
        )
        answers.append(json.loads(done.stdout))
    (one, certainty), (two, other), again = answers
    np.testing.assert_allclose(two, one, atol=1e-4)
    assert other == pytest.approx(certainty, abs=1e-6)
    assert again == answers[1]


def test_irises_are_edges_from_the_eyes_rings_left_first_and_nan_where_none_is_shown(
    tracker, dot_models, monkeypatch
):
    points, _ = face_at(**POSED)
    grey = drawn(points, 1.6)
    assert np.isnan(tracker.follow(grey, off(points)).irises).all()  # dot eyes have no irises
    for place, name in enumerate(("left_eye", "right_eye")):
        open_one = dot_models.parts[name].model
        monkeypatch.setattr(
            "workers.clnf.tracker.shows_iris", lambda _, model, __, one=open_one: model is one
        )
        monkeypatch.setattr("workers.clnf.tracker.iris_edge", lambda _, ring: ring + 1.0)
        found = tracker.follow(grey, off(points))
        assert found.irises.shape == (2, 8, 2)
        np.testing.assert_array_equal(found.irises[place], found.parts[name][:8] + 1.0)
        assert np.isnan(found.irises[1 - place]).all()
    small, _ = face_at(0.5)
    assert np.isnan(tracker.follow(drawn(small, 0.5), small).irises).all()
