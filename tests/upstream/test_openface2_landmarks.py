"""OpenFace 2's own landmarks: golden data of the original program, stage by stage and whole.

Frames are decoded by PyAV and made grey by OpenCV, as the original program saw them.
"""

import hashlib
import os
from itertools import product

import av
import cv2
import numpy as np
import pytest

from tests.shared import shared
from weights.clnf.packing import packed
from workers.clnf import optimisation
from workers.clnf.fitting import fit_landmarks, gathered
from workers.clnf.model_file import load_landmark_models
from workers.clnf.optimisation import optimised
from workers.clnf.sampling import areas_around
from workers.clnf.tracker import INITIAL_WINDOWS, TRACKING_WINDOWS, LandmarkTracker
from workers.clnf.validator import normalised, warped
from workers.face.shape.shape_fit import ShapeFit, fit_shape
from workers.face.shape.shape_model import Pose, rotation_matrix

GOLDEN = shared("openface2", "landmarks", "golden")
STAGED = (0, 50, 57, 125, 203)
PARTS = {"": "face", "inner_": "inner", "left_eye_28_": "right_eye", "right_eye_28_": "left_eye"}
"""The goldens' names of the landmark models, and ours: right and left are the patient's."""
WINDOWS = {
    "face": INITIAL_WINDOWS,
    "inner": (9,),
    "right_eye": (3, 5),
    "left_eye": (3, 5),
}


@pytest.fixture(scope="module")
def models(published, tmp_path_factory):
    """OpenFace 2's own landmark models."""
    path = tmp_path_factory.mktemp("openface") / "clnf68.npz"
    path.write_bytes(packed(published).content)
    return load_landmark_models(path)


@pytest.fixture(scope="module")
def pictures(office, stages):
    """Grey, as the original program saw them."""
    with av.open(os.fspath(office)) as video:
        made = [
            cv2.cvtColor(frame.to_ndarray(format="bgr24"), cv2.COLOR_BGR2GRAY)
            for frame in video.decode(video=0)
        ]
    for frame in STAGED:
        checksum = hashlib.sha256(made[frame].tobytes()).hexdigest()
        assert checksum == stages[f"frame{frame}_grey_sha256"].item()
    return made


@pytest.fixture(scope="module")
def stages():
    return arrays("stages")


def arrays(name):
    with np.load(GOLDEN / f"default_{name}.npz") as file:
        return dict(file)


def fit_of(params_global, params_local):
    scale, *rest = params_global.ravel()
    angles, translation = np.array(rest[:3]), np.array(rest[3:])
    return ShapeFit(Pose(float(scale), rotation_matrix(angles), translation), params_local.ravel())


def params_global(fit):
    return np.array([fit.pose.scale, *fit.pose.angles, *fit.pose.translation])


def model_of(models, part):
    return models.face if PARTS[part] == "face" else models.parts[PARTS[part]].model


def scales(models, stages, frame, part):
    """(prefix, experts, schedule, window, start) of each scale that the original program used."""
    model = model_of(models, part)
    place = f"frame{frame}_{part}"
    start = fit_of(stages[f"{place}start_global"], stages[f"{place}start_local"])
    windows = WINDOWS[PARTS[part]]
    for index, (*scale, window) in enumerate(
        zip(model.experts, model.schedules, windows, strict=True)
    ):
        prefix = f"{place}scale{index}_"
        if f"{prefix}view" in stages:
            yield prefix, *scale, window, start
            last = max(
                int(name[len(prefix) + 8 : -7])
                for name in stages
                if name.startswith(f"{prefix}nonrigid") and name.endswith("_global")
            )
            start = fit_of(
                stages[f"{prefix}nonrigid{last}_global"], stages[f"{prefix}nonrigid{last}_local"]
            )


def test_response_maps(models, pictures, stages):
    for frame, part in product(STAGED, PARTS):
        model, compared = model_of(models, part), 0
        for prefix, experts, schedule, window, start in scales(models, stages, frame, part):
            evidence = gathered(model.shape, experts, schedule, pictures[frame], start, window)
            assert experts.nearest_view(start.pose.angles) == stages[f"{prefix}view"].item()
            np.testing.assert_allclose(
                evidence.to_map, stages[f"{prefix}sim_img_to_ref"], atol=1e-7
            )
            base = stages[f"{prefix}landmarks_before"].reshape(2, -1)
            np.testing.assert_allclose(evidence.base, base, atol=1e-9)
            (a, _), (b, _) = evidence.to_picture.tolist()
            areas = areas_around(pictures[frame], base, (a, b), window + experts.size - 1)
            for name, expected in stages.items():
                if name.startswith(f"{prefix}aoi"):
                    found = areas[int(name.removeprefix(f"{prefix}aoi"))]
                    np.testing.assert_allclose(found, expected, atol=1e-3)
                if name.startswith(f"{prefix}resp"):
                    found = evidence.maps[int(name.removeprefix(f"{prefix}resp"))]
                    np.testing.assert_allclose(found, expected, atol=1e-5)
                    compared += 1
        assert compared >= 4


def test_each_step_from_where_the_original_one_began(models, pictures, stages, monkeypatch):
    monkeypatch.setattr(optimisation, "MOST_STEPS", 1)
    for frame, part in product(STAGED, PARTS):
        model = model_of(models, part)
        for prefix, experts, schedule, window, start in scales(models, stages, frame, part):
            evidence = gathered(model.shape, experts, schedule, pictures[frame], start, window)
            here = start
            for kind in ("rigid", "nonrigid"):
                for step in range(5):
                    place = f"{prefix}{kind}{step}_"
                    if f"{place}global" not in stages:
                        continue
                    at = here.pose.project(model.shape.shape(here.local))
                    shifts = evidence.pulls(at) * (evidence.weights > 0.0).reshape(2, -1)
                    expected = stages[f"{place}mean_shifts"].reshape(2, -1)
                    np.testing.assert_allclose(shifts, expected, atol=1e-4)
                    stiffness = None if kind == "rigid" else schedule.regularisation
                    there = optimisation._moved_along(model.shape, here, evidence, stiffness)
                    here = fit_of(stages[f"{place}global"], stages[f"{place}local"])
                    np.testing.assert_allclose(there.local, here.local, atol=1e-4)
                    np.testing.assert_allclose(params_global(there), params_global(here), atol=1e-4)


def test_all_steps_of_a_scale_and_all_scales(models, pictures, stages):
    for frame, part in product(STAGED, PARTS):
        model, place = model_of(models, part), f"frame{frame}_{part}"
        fitted = None
        for _, experts, schedule, window, start in scales(models, stages, frame, part):
            evidence = gathered(model.shape, experts, schedule, pictures[frame], start, window)
            fitted = optimised(model.shape, start, evidence, schedule.regularisation)
        np.testing.assert_allclose(fitted.local, stages[f"{place}fit_local"].ravel(), atol=1e-4)
        np.testing.assert_allclose(
            params_global(fitted), stages[f"{place}fit_global"].ravel(), atol=1e-4
        )
        start = fit_of(stages[f"{place}start_global"], stages[f"{place}start_local"])
        tracked = PARTS[part] == "face" and stages["kinds"][frame] == 0
        windows = TRACKING_WINDOWS if tracked else WINDOWS[PARTS[part]]
        whole = fit_landmarks(model, pictures[frame], start, windows)
        assert whole.found
        expected = stages[f"{place}fit_landmarks"].reshape(2, -1).T
        np.testing.assert_allclose(model.projected(whole.fit), expected, atol=1e-4)


def test_where_parts_start_and_how_they_are_merged_and_fitted(models, stages):
    for frame in STAGED:
        face = stages[f"frame{frame}_fit_landmarks"].reshape(2, -1).T
        merged = face
        for part, name in list(PARTS.items())[1:]:
            start, place = models.parts[name].start(face), f"frame{frame}_{part}"
            expected = stages[f"{place}start_local"].ravel()
            np.testing.assert_allclose(start.local, expected, atol=1e-4)
            expected = stages[f"{place}start_global"].ravel()
            np.testing.assert_allclose(params_global(start), expected, atol=1e-4)
            own = stages[f"{place}fit_landmarks"].reshape(2, -1).T
            merged = models.parts[name].merged(own, merged)
        expected = stages[f"frame{frame}_merged_landmarks"].reshape(2, -1).T
        np.testing.assert_array_equal(merged, expected)
        fit = fit_shape(models.face.shape, merged)
        np.testing.assert_allclose(fit.local, stages["final_params_local"][frame], atol=1e-4)
        points = models.face.projected(fit)
        np.testing.assert_allclose(points, stages["final_landmarks"][frame], atol=1e-5)


def test_the_validator(models, pictures, stages):
    for frame in STAGED:
        points = stages["final_landmarks"][frame]
        angles = stages["final_params_global"][frame][1:4]
        view = models.validator.views[models.validator.nearest_view(angles)]
        warped_face = np.zeros(tuple(view.shape))
        levels = warped(view, pictures[frame], points)
        warped_face.reshape(-1)[view.places] = levels
        expected = stages[f"frame{frame}_validator_warped"]
        np.testing.assert_allclose(warped_face, expected, atol=1e-3)
        feature = stages[f"frame{frame}_validator_feature"].ravel()
        np.testing.assert_allclose(normalised(view, levels), feature, atol=1e-5)
        certainty = models.validator.certainty(pictures[frame], points, angles)
        assert certainty == pytest.approx(stages["final_certainty"][frame], abs=1e-6)


def box_start(shape, box):
    """The mean shape over a box (x, y, width, height): the original program's first start."""
    low, high = shape.mean[:2].min(axis=1), shape.mean[:2].max(axis=1)
    scale = float(np.mean(box[2:] / (high - low)))
    centre = box[:2] + box[2:] / 2 - scale * (low + high) / 2
    return ShapeFit(Pose(scale, np.eye(3), centre), np.zeros(34))


def followed(models, pictures, golden, restart, windows):
    """Every frame followed as the goldens' were: errors (n, 68) px, successes (n,), certainties."""
    tracker, last = LandmarkTracker(models), None
    errors, successes, certainties = [], [], []
    for index, grey in enumerate(pictures):
        if restart(index):
            if "pfld_points" in golden:
                start = golden["pfld_points"][index]
            else:
                start = box_start(models.face.shape, golden["box"][index])
            last = tracker.follow(grey, start, windows)
        else:
            again = TRACKING_WINDOWS if last.success else INITIAL_WINDOWS
            last = tracker.follow(grey, last.fit, again)
        errors.append(np.linalg.norm(last.points - golden["landmarks"][index], axis=1))
        successes.append(last.success)
        certainties.append(last.certainty)
    return np.array(errors), np.array(successes), np.array(certainties)


def test_a_recording_restarted_at_every_tenth_frame(models, pictures):
    for name, windows in (
        ("anchor10_points", INITIAL_WINDOWS),
        ("anchor10_points_small", TRACKING_WINDOWS),
    ):
        golden = arrays(name)
        errors, successes, certainties = followed(
            models, pictures, golden, lambda index: index % 10 == 0, windows
        )
        assert np.median(errors) < 1e-4
        assert np.percentile(errors, 95) < 0.05
        assert errors.max() < 1.0
        np.testing.assert_array_equal(successes, golden["success"])
        assert np.abs(certainties - golden["certainty"]).max() < 2e-3


def test_a_recording_followed_from_its_first_box(models, pictures):
    golden = arrays("continuous")
    errors, successes, _ = followed(
        models, pictures, golden, lambda index: index == 0, INITIAL_WINDOWS
    )
    assert np.median(errors) < 0.05
    assert np.percentile(errors, 95) < 0.3
    np.testing.assert_array_equal(successes, golden["success"])


def test_turned_shrunk_and_cut_faces(models):
    golden, tracker = arrays("stress"), LandmarkTracker(models)
    errors = []
    for case, grey in enumerate(golden["grey"]):
        found = tracker.follow(grey, golden["points"][case], INITIAL_WINDOWS)
        for turn in range(3):
            if turn:
                windows = TRACKING_WINDOWS if found.success else INITIAL_WINDOWS
                found = tracker.follow(grey, found.fit, windows)
            assert found.success == golden["success"][case, turn]
            expected = golden["landmarks"][case, turn]
            errors.append(np.linalg.norm(found.points - expected, axis=1))
    assert np.median(errors) < 1e-4
    assert np.percentile(errors, 95) < 0.05
    assert np.max(errors) < 1.0
