"""RetinaFace's pre- and post-processing, alone and against upstream's answers."""

import hashlib

import numpy as np
import pytest

from tests.shared import shared
from workers.models.retinaface import MEAN_BGR, RetinaFace, anchors, decode, letterboxed
from workers.session.onnx_model import OnnxModel
from workers.session.providers import execution_providers


def test_a_picture_that_fits_is_laid_in_the_corner_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    tensor, scale = letterboxed(picture, 80, 96)
    assert (tensor.shape, scale) == ((1, 3, 80, 96), 1.0)
    np.testing.assert_array_equal(tensor[0, :, :48, :64].transpose(1, 2, 0), picture - MEAN_BGR)
    assert not tensor[0, :, 48:].any()
    assert not tensor[0, :, :, 64:].any()


def test_a_larger_picture_is_shrunk_to_fit():
    tensor, scale = letterboxed(np.full((200, 100, 3), 255, np.uint8), 80, 96)
    assert scale == pytest.approx(0.4)
    assert tensor[0, 0, :, :40].min() == 255 - 104
    assert not tensor[0, :, :, 40:].any()


def test_anchors_are_upstreams():
    golden = np.load(shared("oracle", "retinaface_golden.npz"))
    normalised = anchors(480, 640) / (640, 480, 640, 480)
    ends = np.concatenate([normalised[:4], normalised[-4:]])
    np.testing.assert_allclose(ends, golden["default_0000/priors_first4_last4"], atol=1e-7)
    digest = hashlib.sha256(normalised.astype(np.float32).tobytes()).hexdigest()
    assert digest == str(golden["default_0000/priors_sha256"])


def test_upstreams_raw_outputs_decode_to_upstreams_faces():
    golden = np.load(shared("oracle", "retinaface_golden.npz"))
    found = decode(
        golden["default_0000/raw_loc"][0], golden["default_0000/raw_conf"][0, :, 1], 480, 640, 0.02
    )
    expected = golden["default_0000/dets_all"]
    np.testing.assert_allclose(found.scores, expected[:, 4], atol=1e-6)
    np.testing.assert_allclose(found.boxes, expected[:, :4], atol=1e-3)


def test_no_face_gives_no_boxes():
    found = decode(np.zeros((16800, 4), np.float32), np.zeros(16800, np.float32), 640, 640, 0.5)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_real_faces_are_found_where_upstream_finds_them(weights_folder, oracle_frame, tmp_path):
    """From the picture, letter-boxed into the shipped 640×640 model, with the real weights."""
    name, frame = oracle_frame
    model = OnnxModel(
        weights_folder / "retinaface_frame.onnx", execution_providers("cpu", tmp_path)
    )
    found = RetinaFace(model).detect(frame)
    expected = np.load(shared("oracle", "retinaface_golden.npz"))[f"{name}/dets_05"]
    np.testing.assert_allclose(found.boxes, expected[:, :4], atol=1.0)
    np.testing.assert_allclose(found.scores, expected[:, 4], atol=1e-3)
