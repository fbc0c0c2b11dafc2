"""Answers to inputs made from seeds are the kept ones, and upstream's figures are met, anywhere."""

import hashlib

import numpy as np
import pytest

from tests.goldens import figures
from tests.goldens.comparison import FINE, ROUGH, check
from tests.goldens.files import UPSTREAM, read
from workers.models import star98
from workers.models.retinaface import anchors, decode


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
