"""A real person who talks and moves: the mirror stays on the face, and left minus right on it, too.

Needs a recording and real weights; the phantom shows the same without (tests/ops/test_phantom.py).
"""

import shutil

import numpy as np
import pytest

from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.shared import shared
from workers.face.mirroring import SIDES
from workers.face.scheme import IBUG68
from workers.face.tracking import FaceTracker
from workers.session.loading import load_models

BROWS, CHIN = list(IBUG68.medial_brows), IBUG68.chin
EDGES = (0, 16)


@pytest.fixture(scope="module")
def outputs(weights_folder, tmp_path_factory) -> Outputs:
    folder = tmp_path_factory.mktemp("moving")
    clip = folder / "talking.wmv"
    shutil.copyfile(shared("media", "default.wmv"), clip)
    options = ("--aus", "openface2", "--landmarks", "pfld68", "--workers", 2)
    done = facemirror("run", clip, "--out", folder, "--weights", weights_folder, *options)
    assert done.returncode == 0, done.stderr
    return Outputs(folder / "talking")


def ends(points: np.ndarray) -> np.ndarray:
    """(n, 2, 2): glabella and chin."""
    return np.stack([points[:, BROWS].mean(axis=1), points[:, CHIN]], axis=1)


def test_left_minus_right_follows_the_face_and_not_the_head(outputs):
    left, right = (outputs.aus(side) for side in SIDES)
    given = ~np.isnan(left).all(axis=0)
    apart = (left - right)[:, given]
    bridge = outputs.landmarks()[:, 27:31].mean(axis=1)
    step = np.concatenate([[[0.0, 0.0]], np.diff(bridge, axis=0)])
    speed = np.hypot(*step.T)
    fast, calm = speed >= np.quantile(speed, 0.85), speed <= np.median(speed)
    assert np.abs(apart[fast]).mean() <= 1.2 * np.abs(apart[calm]).mean()
    moving = apart[:, apart.std(axis=0) > 0]
    for course in (step[:, 0], speed):
        agreement = [abs(np.corrcoef(column, course)[0, 1]) for column in moving.T]
        assert np.median(agreement) < 0.12


def test_the_mirrored_faces_are_symmetric_about_the_line_where_they_were_mirrored(
    outputs, weights_folder, tmp_path
):
    """Found anew in the mirrored pictures within 2 % of the face's width, in 99 % of frames."""
    models = load_models(weights_folder, "cpu", "pfld68", "openface2", tmp_path)
    points = outputs.landmarks()
    width = np.hypot(*(points[:, EDGES[1]] - points[:, EDGES[0]]).T)
    put = ends(points)
    along = (put[:, 1] - put[:, 0]) / np.linalg.norm(put[:, 1] - put[:, 0], axis=1)[:, None]
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    for side in SIDES:
        tracker = FaceTracker(models.seeker, models.verifier, models.landmarker)
        faces = [tracker.step(i, shot).face for i, shot in enumerate(_mirrored(outputs, side))]
        assert all(faces)
        found = ends(np.stack([face.points for face in faces if face]))
        off = np.abs(np.einsum("nec,nc->ne", found - put[:, :1], normal)).max(axis=1) / width
        assert np.quantile(off, 0.99) < 0.02


def _mirrored(outputs: Outputs, side: str) -> list[np.ndarray]:
    return outputs.video(f"{side}_mirrored")[1]
