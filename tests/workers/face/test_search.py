"""Faces that the first look misses: small ones in large pictures, and those under noise."""

from itertools import pairwise

import numpy as np
import pytest

from weights.demo.phantom import Activations, Appearance, FacePose, render
from weights.manifest import DEMO_FOLDER
from workers.face.boxes import Detections, overlaps
from workers.face.search import part_starts, search
from workers.models.retinaface import RetinaFace, letterboxed
from workers.session.onnx_model import OnnxModel
from workers.session.providers import execution_providers


class BrightSquares:
    """Sees whole bright squares of 20 px and more, after shrinking, where there is little noise."""

    side = 256
    smallest = 20

    def __init__(self, sureness: float = 0.9) -> None:
        self.sureness = sureness
        self.looks = 0

    def detect(self, picture, minimum_score=0.5):
        self.looks += 1
        canvas, scale = letterboxed(picture, self.side, self.side)
        height, width = (round(length * scale) for length in picture.shape[:2])
        seen = canvas[0, :, :height, :width].mean(axis=0)
        nothing = Detections(np.zeros((0, 4)), np.zeros(0))
        rows, columns = np.nonzero(seen > 40)
        if not rows.size or seen[seen <= 40].std() > 30:
            return nothing
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        whole = (box[:2] > 0).all() and (box[2:] < (width, height)).all()
        size, score = float(np.sqrt(rows.size)), self.sureness
        if size < self.smallest or not whole or score < minimum_score:
            return nothing
        return Detections(box[None] / scale, np.array([score]))


def square(x: int, y: int, side: int, width: int, height: int) -> np.ndarray:
    picture = np.full((height, width, 3), 20, np.uint8)
    picture[y : y + side, x : x + side] = 255
    return picture


@pytest.mark.parametrize(("x", "y"), [(9, 40), (700, 380), (1190, 850)])
def test_a_small_face_is_found_wherever_it_is_in_a_large_picture(x, y):
    """70 px of 1280: 14 px after shrinking to the detector's 256."""
    picture = square(x, y, 70, 1280, 960)
    assert not len(search(BrightSquares(), picture, thorough=False))
    (box,) = search(BrightSquares(), picture, thorough=True).boxes
    np.testing.assert_allclose(box, (x, y, x + 70, y + 70), atol=6)


def test_one_look_is_enough_where_it_finds_a_face():
    detector = BrightSquares()
    assert len(search(detector, square(90, 60, 130, 1280, 960), thorough=True)) == 1
    assert detector.looks == 1


def test_a_face_in_two_overlapping_parts_is_one_face():
    found = search(BrightSquares(), square(400, 360, 90, 1280, 960), thorough=True)
    assert len(found) == 1


def test_shrinking_further_finds_a_face_under_noise():
    noise = np.random.default_rng(0).normal(0, 80, (256, 256, 1))
    picture = np.clip(square(60, 60, 140, 256, 256) + noise, 0, 255).astype(np.uint8)
    assert not len(search(BrightSquares(), picture, thorough=False))
    found = search(BrightSquares(), picture, thorough=True)
    assert overlaps(np.array([60.0, 60.0, 200.0, 200.0]), found.boxes).max() > 0.5


def test_a_further_look_has_to_be_surer_than_the_first():
    large, small = square(400, 300, 200, 1280, 960), square(400, 360, 90, 1280, 960)
    assert len(search(BrightSquares(sureness=0.6), large, thorough=True)) == 1
    assert len(search(BrightSquares(sureness=0.6), small, thorough=True)) == 0


def test_nothing_is_found_where_nothing_is():
    assert not len(search(BrightSquares(), np.zeros((960, 1280, 3), np.uint8), thorough=True))


@pytest.mark.parametrize(("length", "side"), [(100, 200), (640, 640), (1920, 640), (2160, 1280)])
def test_parts_cover_the_picture_and_overlap(length, side):
    starts = part_starts(length, side)
    assert starts[0] == 0
    assert starts[-1] == max(0, length - side)
    assert all(b - a <= 0.75 * side + 1 for a, b in pairwise(starts))


def retinaface(folder, tmp_path) -> RetinaFace:
    providers = execution_providers("cpu", tmp_path)
    return RetinaFace(OnnxModel(folder / "retinaface_frame.onnx", providers))


def test_a_small_phantom_in_a_4k_picture_is_found_by_the_demo_model(tmp_path):
    pose = FacePose(3000.0, 1500.0, 110.0)
    picture = render(pose, Activations(), Appearance.from_seed(90001), 3840, 2160)
    detector = retinaface(DEMO_FOLDER, tmp_path)
    assert not len(search(detector, picture, thorough=False))
    found = search(detector, picture, thorough=True)
    assert overlaps(pose.box(), found.boxes).max() > 0.7
