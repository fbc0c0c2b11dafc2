"""Fitting a landmark model: which scales, from which view, and when a face is too small."""

import numpy as np
import pytest

from tests.stand_ins.landmark_models import drawn, face_at
from workers.clnf import fitting
from workers.clnf.fitting import fit_landmarks, gathered, similarity
from workers.clnf.model_file import landmark_models
from workers.face.shape.shape_fit import ShapeFit
from workers.face.shape.shape_model import Pose, rotation_matrix


@pytest.fixture
def gatherings(monkeypatch):
    """The (scaling, window) that evidence was gathered with."""
    asked = []

    def recorded(model, experts, schedule, grey, fit, window):
        asked.append((experts.scaling, window))
        return gathered(model, experts, schedule, grey, fit, window)

    monkeypatch.setattr(fitting, "gathered", recorded)
    return asked


def fit_at(pose, local=(0.0, 0.0, 0.0, 0.0)):
    return ShapeFit(pose, np.array(local))


def test_the_similarity_is_the_best_rotation_and_the_ratio_of_sizes():
    random = np.random.default_rng(0)
    form = random.uniform(-50, 50, (2, 30))
    turn = 0.7 * rotation_matrix(np.array([0.0, 0.0, 0.4]))[:2, :2]
    np.testing.assert_allclose(similarity(form + 9.0, turn @ form - 5.0), turn, atol=1e-12)
    noisy = turn @ form + random.normal(0, 10, form.shape)
    found = similarity(form, noisy)
    size = np.sqrt(np.linalg.det(found))
    assert size == pytest.approx(noisy.std() / form.std(), rel=0.02)
    centred = [one - one.mean(axis=1, keepdims=True) for one in (form, noisy)]
    left, _, right = np.linalg.svd(centred[0] @ centred[1].T)
    np.testing.assert_allclose(found / size, (left @ right).T, atol=1e-12)


def test_a_face_is_found_from_near_by(dot_models):
    points, pose = face_at(local=(10.0, -8.0, 6.0, 0.0))
    near = fit_at(Pose(pose.scale * 1.03, pose.rotation, pose.translation + np.array([3.0, -2.0])))
    found = fit_landmarks(dot_models.face, drawn(points, 1.5), near, (11, 9, 7))
    assert found.found
    errors = np.linalg.norm(dot_models.face.projected(found.fit) - points, axis=1)
    before = np.linalg.norm(dot_models.face.projected(near) - points, axis=1)
    assert np.median(before) > 3.0
    assert np.median(errors) < 0.3


@pytest.mark.parametrize(
    ("scale", "windows", "used"),
    [
        (1.5, (11, 9, 7), [(0.25, 11), (0.35, 9), (0.5, 7)]),
        (1.5, (0, 9, 7), [(0.35, 9), (0.5, 7)]),
        (0.48, (11, 9, 7), [(0.25, 11), (0.35, 9), (0.5, 7)]),
        (0.44, (11, 9, 7), [(0.25, 11), (0.35, 9)]),
        (0.29, (0, 9, 7), []),
    ],
)
def test_scales_without_a_window_or_finer_than_the_face_are_left_out(
    dot_models, gatherings, scale, windows, used
):
    points, pose = face_at(scale)
    found = fit_landmarks(dot_models.face, drawn(points, scale), fit_at(pose), windows)
    assert gatherings == used
    assert found.found  # even where nothing was done
    if not used:
        np.testing.assert_array_equal(found.fit.pose.rotation, pose.rotation)


def test_a_face_that_turns_out_too_small_is_not_followed(dot_models, gatherings):
    points, pose = face_at(0.23)
    start = fit_at(Pose(0.28, pose.rotation, pose.translation))
    found = fit_landmarks(dot_models.face, drawn(points, 0.23), start, (11, 9, 7))
    assert not found.found
    assert found.fit.pose.scale < 0.25
    assert gatherings == [(0.25, 11)]  # nothing more is done


def test_the_view_is_the_one_that_the_head_is_turned_to(dot_models):
    model, (experts, *_), (schedule, *_) = (
        dot_models.face.shape,
        dot_models.face.experts,
        dot_models.face.schedules,
    )
    hidden = np.arange(68) % 8 == 0  # in the second view alone
    for yaw, some_hidden in ((0.0, False), (-0.3, True), (0.3, False)):
        pose = Pose(1.5, rotation_matrix(np.array([0.0, yaw, 0.0])), np.array([320.0, 240.0]))
        points, _ = face_at(rotation=pose.rotation)
        evidence = gathered(model, experts, schedule, drawn(points, 1.5), fit_at(pose), 9)
        assert ((evidence.weights.reshape(2, -1) == 0.0) == (hidden & some_hidden)).all()


def test_confidences_are_relied_on_where_the_schedule_says_so(dot_models):
    inner = dot_models.parts["inner"].model
    points, pose = face_at()
    evidence = gathered(
        inner.shape, inner.experts[0], inner.schedules[0], drawn(points, 1.5), fit_at(pose), 9
    )
    confidences = inner.experts[0].of_view(0, 9).confidences
    np.testing.assert_allclose(evidence.weights, np.tile(2.5 * confidences, 2))


def test_landmarks_whose_experts_say_nothing_do_not_count(dot_models):
    eye = dot_models.parts["left_eye"].model
    points, pose = face_at()
    evidence = gathered(
        eye.shape, eye.experts[0], eye.schedules[0], drawn(points, 1.5), fit_at(pose), 3
    )
    assert (evidence.weights.reshape(2, -1).sum(axis=1) == 6).all()
    assert np.isfinite(evidence.pulls(evidence.base)).all()


def test_maps_are_centred_on_the_landmarks_in_the_reference_frame(dot_models):
    model = dot_models.face
    points, pose = face_at(2.0, rotation=rotation_matrix(np.array([0.0, 0.0, 0.5])))
    # One step of the maps at 0.5 px per mm.
    shift = Pose(pose.scale, pose.rotation, pose.translation + np.array([4.0, 0.0]))
    evidence = gathered(
        model.shape, model.experts[2], model.schedules[2], drawn(points, 2.0), fit_at(shift), 7
    )
    peaks = np.array([np.unravel_index(one.argmax(), (7, 7)) for one in evidence.maps])
    turned = evidence.to_map @ np.array([-4.0, 0.0])
    np.testing.assert_allclose(np.median(peaks, axis=0), np.round(3 + turned[::-1]))


def test_where_no_expert_says_anything_the_start_is_given_back(dot_models_file):
    with np.load(dot_models_file) as file:
        arrays = dict(file)
    for scale in range(3):
        arrays[f"face/{scale}/alphas"] = np.minimum(arrays[f"face/{scale}/alphas"], 5e-5)
    points, pose = face_at()
    found = fit_landmarks(
        landmark_models(arrays).face, drawn(points, 1.5), fit_at(pose), (11, 9, 7)
    )
    assert not found.found
    assert found.fit.pose is pose
