"""Answers to inputs made from seeds are the kept ones, and upstream's figures are met, anywhere."""

import hashlib

import numpy as np
import pytest

from tests.goldens import figures
from tests.goldens.files import UPSTREAM, read
from workers.models import star98
from workers.models.retinaface import anchors, decode

FINE, ROUGH = 1e-5, 1e-3
"""ROUGH: what processors with other instruction sets may make of a long computation; px and AUs
are far coarser. A picture's block may differ by half a grey level of 255."""


def check(name, found, errors):
    """errors: the largest difference allowed of each figure, and of the others under ""."""
    kept = read(name)
    assert found.keys() == kept.keys()
    for key, expected in kept.items():
        error = errors.get(key, errors.get(""))
        np.testing.assert_allclose(found[key], expected, rtol=1e-6, atol=error, err_msg=key)


def test_what_networks_are_given_of_a_picture():
    errors = {"": 4e-3, "retinaface": 0.5, "retinaface_scale": FINE, "star_back": ROUGH}
    check("networks_inputs", figures.networks_inputs(), errors)


def test_faces_from_raw_outputs():
    check("decoded_faces", figures.decoded_faces(), {"": FINE})


def test_from_landmarks_to_openface2s_responses(tmp_path):
    errors = {"": ROUGH, "mask_rows": 0.0, "aligned_rows": 0.2, "responses": 0.02}
    errors["neutral_responses"] = 0.02
    check("openface2_aus", figures.openface2_aus(tmp_path), errors)


def test_landmarks_that_openface2s_tracker_follows(tmp_path):
    check("followed_landmarks", figures.followed_landmarks(tmp_path), {"": ROUGH})


def test_what_seeded_networks_answer():
    pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
    check("network_answers", figures.network_answers(), {"": ROUGH, "star_points": 0.05 / 128})


@pytest.fixture(scope="module")
def upstream():
    return read(UPSTREAM)


def test_upstreams_raw_outputs_give_upstreams_faces(upstream):
    normalised = anchors(480, 640) / (640, 480, 640, 480)
    ends = np.concatenate([normalised[:4], normalised[-4:]])
    np.testing.assert_allclose(ends, upstream["anchor_ends"], atol=1e-7)
    checksum = hashlib.sha256(normalised.astype(np.float32).tobytes()).hexdigest()
    assert checksum == upstream["anchors_sha256"]
    places = upstream["likely_places"].astype(int)
    offsets, scores = np.zeros((12600, 4), np.float32), np.zeros(12600, np.float32)
    offsets[places], scores[places] = upstream["likely_offsets"], upstream["likely_scores"]
    found = decode(offsets, scores, 480, 640, 0.02)
    np.testing.assert_allclose(found.scores, upstream["faces"][:, 4], atol=1e-6)
    np.testing.assert_allclose(found.boxes, upstream["faces"][:, :4], atol=1e-3)


def test_star_crops_where_upstream_does_and_comes_back_as_upstream_does(upstream):
    for box, matrix in zip(upstream["boxes"], upstream["crop_matrices"], strict=True):
        found = star98.crop_matrix(box)
        np.testing.assert_allclose(found.ravel(), matrix, rtol=1e-6, atol=1e-6)
    points = star98.to_frame(upstream["crop_points"], star98.crop_matrix(upstream["boxes"][0]))
    np.testing.assert_allclose(points, upstream["frame_points"], atol=ROUGH)


def test_seeded_heads_give_upstreams_answers_to_upstreams_features(upstream):
    torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
    from tests.stand_ins.checkpoints import NETWORKS, state
    from tests.stand_ins.seeded import digest
    from weights.architectures import multitask

    network = NETWORKS["mtl"]().eval()
    for name in ("star98", "mtl"):
        made = state(name)
        assert (
            digest((key, value.numpy()) for key, value in made.items())
            == upstream[f"{name}_sha256"]
        ), name
    network.load_state_dict(made)
    with torch.inference_mode():
        features = torch.from_numpy(upstream["features"].astype(np.float32))
        network.base_model = torch.nn.Identity()
        emotions, gaze = network.emotion_gaze(features)
        nodes = network.au_regressor.nodes(torch.relu(network.fc_au(features)))
        similarity = multitask.scaled_similarity(nodes) / multitask.SIMILARITY_SCALE
        aus = network.action_units(features)
    answers = {"emotion": emotions, "gaze": gaze, "au": aus, "gnn_similarity": similarity}
    for name, answer in answers.items():
        found = answer.numpy().reshape(len(features), -1)
        np.testing.assert_allclose(found, upstream[name], rtol=0, atol=ROUGH, err_msg=name)
