"""What the demo networks are trained on is cut as the pipeline cuts its pictures."""

import numpy as np
import pytest

from weights.demo.face_shape import POINTS
from weights.demo.learning.samples import (
    AU_SIZE,
    FIRST_SEED,
    HEAD_AUS,
    LANDMARK_SIZE,
    Scene,
    au_samples,
    carried,
    detector_sample,
    landmark_crop,
    landmark_sample,
    mirror,
    mirrored_face,
    random_look,
    scene,
)
from workers.aus.labels import HEAD_LABELS
from workers.face import mirroring
from workers.face.midline import midline
from workers.face.mirroring import SIDES, mirrored_points
from workers.face.scheme import WFLW98
from workers.face.tracking import Margins
from workers.models import multitask, star98
from workers.models.retinaface import letterboxed


@pytest.fixture(scope="module", params=[5, 6, 7])
def view(request: pytest.FixtureRequest) -> Scene:
    return scene(np.random.default_rng(request.param), 120, 420, 1.5)


def test_the_landmark_crop_is_stars(view: Scene) -> None:
    box = view.truth.box + 0.37
    expected = star98.crop_matrix(np.trunc(box))[:2]
    np.testing.assert_allclose(landmark_crop(box), expected, rtol=1e-5)


def test_landmark_samples_say_where_the_points_are_in_the_models_own_units() -> None:
    image, points, face = landmark_sample(np.random.default_rng(3))
    assert image.shape == (3, LANDMARK_SIZE, LANDMARK_SIZE)
    assert points.shape == (POINTS, 2)
    assert face == 1.0
    to_crop = np.eye(3, dtype=np.float32)
    pixels = star98.to_frame(points, to_crop)
    middle = pixels[[96, 97]]
    assert (np.abs(middle - LANDMARK_SIZE / 2) < 100).all()
    for x, y in np.rint(middle).astype(int):
        assert image[:, y, x].max() < 0.3  # a pupil or a closed lid is dark


def test_a_box_is_carried_along_as_the_tracker_does(view: Scene) -> None:
    moved = carried(view.before.box, view.before.points, view.truth.points)
    margins = Margins.between(view.before.box, view.before.points)
    np.testing.assert_allclose(moved, margins.around(view.truth.points), atol=1e-9)


def test_halves_are_mirrored_as_the_pipeline_does(view: Scene) -> None:
    line = midline([view.truth.points], WFLW98)
    assert line is not None
    frames = mirroring.mirror(view.picture, line)
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        own = mirror(view.picture, line.point, line.towards_patient_left, sign)
        assert np.abs(own.astype(int) - frames[side]).max() <= 1


def test_au_faces_are_cut_as_the_pipeline_does(view: Scene) -> None:
    """But for the resampling filter, which is OpenCV's here and torch's there, and for parts of
    pixels at the edges."""
    line = midline([view.truth.points], WFLW98)
    assert line is not None
    frames = mirroring.mirror(view.picture, line)
    margins = Margins.between(view.before.box, view.before.points).symmetric()
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        box = margins.around(mirrored_points(view.truth.points, line, side))
        expected = multitask.as_input(frames[side], np.trunc(box))[0]
        ends = view.truth.midline
        own = mirrored_face(view.picture, view.truth.points, view.before, ends, sign)
        assert own.shape == expected.shape == (3, AU_SIZE, AU_SIZE)
        assert np.abs(own - expected).mean() < 0.05


def test_au_labels_are_the_heads_own_order_left_side_first() -> None:
    assert tuple(au.upper() for au in HEAD_AUS) == HEAD_LABELS["openface3"]
    draws = [np.random.default_rng(11) for _ in range(2)]
    _, labels = au_samples(draws[0])
    view = scene(draws[1], 85, 620, 1.5)
    expected = [[getattr(view.activations.of(side), au) for au in HEAD_AUS] for side in SIDES]
    np.testing.assert_allclose(labels, expected, atol=1e-6)


def test_detector_canvases_are_letterboxed_pictures_minus_the_mean() -> None:
    picture = np.full((100, 224, 3), 50, np.uint8)
    expected, _ = letterboxed(picture, 224, 224)
    assert not expected[0, :, 100:].any()
    for seed in range(20):
        canvas, box = detector_sample(np.random.default_rng(seed), 224, 48, 188)
        assert canvas.shape == expected.shape[1:]
        assert canvas.min() >= -123.0
        if np.isfinite(box).all():
            assert 44 < box[3] - box[1] < 200


def test_training_looks_are_not_those_of_tests() -> None:
    draw = np.random.default_rng(0)
    assert min(random_look(draw).seed for _ in range(100)) >= FIRST_SEED


def test_samples_repeat_with_their_seed() -> None:
    for make in (landmark_sample, au_samples, lambda draw: detector_sample(draw, 224, 48, 188)):
        first, again = (make(np.random.default_rng(21)) for _ in range(2))
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)
