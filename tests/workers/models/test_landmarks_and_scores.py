"""From picture and box to landmarks and AU scores, against upstream's answers.

The checkpoints are stand-ins with upstream's layout, so the numbers mean nothing anatomically;
they prove that architecture, pre- and post-processing are upstream's.
"""

import numpy as np
import pytest

from tests.shared import shared
from workers.models.multitask import ActionUnitScores, as_input, clipped
from workers.models.pfld68 import PICTURES, Pfld68, square
from workers.models.star98 import Star98, crop, crop_matrix
from workers.session.onnx_model import OnnxModel
from workers.session.providers import execution_providers


@pytest.fixture
def model(weights_folder, tmp_path):
    """Loads a model by its file name."""

    def load(name, **options):
        return OnnxModel(weights_folder / name, execution_providers("cpu", tmp_path), **options)

    return load


def golden(model, name, array):
    return np.load(shared("oracle", f"{model}_golden.npz"))[f"{name}/{array}"]


def test_the_star_crop_is_upstreams_pixel_for_pixel(oracle_frame):
    name, frame = oracle_frame
    matrix = crop_matrix(golden("star98", name, "box_int").astype(float))
    np.testing.assert_allclose(matrix, golden("star98", name, "matrix"), rtol=1e-6)
    np.testing.assert_array_equal(crop(frame, matrix), golden("star98", name, "crop_bgr_u8"))


def test_star_points_are_upstreams_from_picture_and_box(oracle_frame, model):
    name, frame = oracle_frame
    box = np.load(shared("oracle", "retinaface_golden.npz"))[f"{name}/dets_05"][0, :4]
    found = Star98(model("star98.onnx")).locate(frame, np.trunc(box).astype(float))
    zoom = golden("star98", name, "matrix")[0, 0]
    error = np.abs(found.points - golden("star98", name, "landmarks_px")) * zoom
    assert error.max() < 0.05  # px of the 256 crop
    assert found.confidence is not None
    assert 0.0 <= found.confidence <= 1.0


def test_the_au_heads_input_is_upstreams(oracle_frame):
    name, frame = oracle_frame
    if name != "default_0000":
        pytest.skip("the oracle holds this array for one frame")
    made = as_input(frame, golden("mtl", name, "box_int").astype(float))
    np.testing.assert_allclose(made[0], golden("mtl", name, "input"), atol=2e-4)


def test_au_scores_are_upstreams_from_picture_and_box(oracle_frame, model):
    name, frame = oracle_frame
    box = np.load(shared("oracle", "retinaface_golden.npz"))[f"{name}/dets_05"][0, :4]
    box = np.trunc(box).astype(float)
    scores = ActionUnitScores(model("mtl_aus.onnx")).score([(frame, box), (frame, box)])
    np.testing.assert_allclose(scores[0], golden("mtl", name, "au"), atol=1e-3)
    np.testing.assert_array_equal(scores[0], scores[1])


def test_the_two_faces_of_a_pair_do_not_touch_each_other(oracle_frame, model):
    name, frame = oracle_frame
    box = golden("mtl", name, "box_int").astype(float)
    scorer = ActionUnitScores(model("mtl_aus.onnx"))
    other = frame[:, ::-1].copy()
    alone = scorer.score([(frame, box), (frame, box)])[0]
    np.testing.assert_array_equal(scorer.score([(frame, box), (other, box)])[0], alone)


def test_boxes_are_clipped_to_the_frame_instead_of_wrapping_around():
    beyond, outside = np.array([-5.5, -1.0, 30.9, 900.0]), np.array([200.0, 10.0, 300.0, 20.0])
    assert clipped(beyond, 100, 80).tolist() == [0.0, 0.0, 30.9, 80.0]
    assert clipped(outside, 100, 80).tolist() == [99.0, 10.0, 100.0, 20.0]


def test_pfld_points_lie_on_the_face(oracle_frame, model):
    name, frame = oracle_frame
    found = np.load(shared("oracle", "retinaface_golden.npz"))[f"{name}/dets_05"][0]
    landmarks = Pfld68(model("pfld_68.onnx", free_dimensions={"batch_size": PICTURES}))
    points = landmarks.locate(frame, found[:4].astype(float)).points
    five = found[5:].reshape(5, 2)  # RetinaFace's own: eyes, nose, mouth corners
    mine = np.stack(
        [
            points[36:42].mean(0),
            points[42:48].mean(0),
            points[30],
            points[48],
            points[54],
        ]
    )
    eyes = np.hypot(*(five[1] - five[0]))
    assert np.hypot(*(mine - five).T).max() / eyes < 0.2


def test_the_pfld_crop_is_a_square_a_tenth_larger_than_the_longer_side():
    corner, side = square(np.array([10.0, 20.0, 50.0, 120.0]))
    assert side == pytest.approx(110)
    np.testing.assert_allclose(corner + side / 2, (30, 70))
