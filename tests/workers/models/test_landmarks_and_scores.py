"""What surrounds the landmark and AU models: pairs, boxes and crops."""

import numpy as np
import pytest

from weights.demo.phantom import Activations, Appearance, FacePose, SideActivations, render
from weights.manifest import DEMO_FOLDER
from workers.models.multitask import ActionUnitScores, clipped
from workers.models.pfld68 import square
from workers.session.onnx_model import OnnxModel
from workers.session.providers import execution_providers


def test_the_two_faces_of_a_pair_do_not_touch_each_other(tmp_path):
    providers = execution_providers("cpu", tmp_path)
    scorer = ActionUnitScores(OnnxModel(DEMO_FOLDER / "mtl_aus.onnx", providers))
    pose, smile = FacePose(160.0, 120.0, 160.0), SideActivations(au12=1.0, au25=1.0)
    frame, other = (
        render(pose, Activations(left=smile, right=right), Appearance.from_seed(3), 320, 240)
        for right in (SideActivations(), smile)
    )
    box = pose.box()
    alone = scorer.score([(frame, box), (frame, box)])
    np.testing.assert_array_equal(alone[0], alone[1])
    pair = scorer.score([(frame, box), (other, box)])
    np.testing.assert_array_equal(pair[0], alone[0])
    assert np.abs(pair[1] - pair[0]).max() > 0.1


def test_boxes_are_clipped_to_the_frame_instead_of_wrapping_around():
    beyond, outside = np.array([-5.5, -1.0, 30.9, 900.0]), np.array([200.0, 10.0, 300.0, 20.0])
    assert clipped(beyond, 100, 80).tolist() == [0.0, 0.0, 30.9, 80.0]
    assert clipped(outside, 100, 80).tolist() == [99.0, 10.0, 100.0, 20.0]


def test_the_pfld_crop_is_a_square_a_tenth_larger_than_the_longer_side():
    corner, side = square(np.array([10.0, 20.0, 50.0, 120.0]))
    assert side == pytest.approx(110)
    np.testing.assert_allclose(corner + side / 2, (30, 70))
