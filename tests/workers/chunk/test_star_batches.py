"""STAR's crops in batches: the numbers are those of one crop at a time."""

from dataclasses import replace

import numpy as np
import pytest

from tests.phantom_films import talking
from weights.manifest import DEMO_FOLDER
from workers.arrays import Tensor
from workers.face.lockstep import LockstepFollower
from workers.models.star98 import Star98, StarBatch
from workers.session.backends import CPU
from workers.session.loading import Models, load_models
from workers.session.runners import open_runner

FRAMES, SLOTS = 34, 4


class OneAfterTheOther:
    """A simulated batch: a real session answers crop by crop."""

    def __init__(self, session) -> None:
        self.input_shapes = {"image": (SLOTS, 3, 256, 256)}
        self._session = session
        self.calls = 0

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        self.calls += 1
        crops = inputs["image"]
        assert crops.shape == self.input_shapes["image"]
        answers = [self._session.run(outputs, image=crop[None]) for crop in crops]
        return [np.concatenate(answer) for answer in zip(*answers, strict=True)]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return load_models(DEMO_FOLDER, CPU, "star98", "openface3", tmp_path_factory.mktemp("c"))


@pytest.fixture(scope="module")
def simulated_batch(models, tmp_path_factory) -> OneAfterTheOther:
    (star,) = (one for one in models.installed if one.name == "star98")
    compiled = tmp_path_factory.mktemp("compiled")
    return OneAfterTheOther(open_runner(DEMO_FOLDER, star, CPU, compiled))


@pytest.fixture(scope="module")
def shots():
    return talking(FRAMES)


def points_of(models: Models, shots, first: int = 0) -> np.ndarray:
    follower = models.follower(FRAMES, fast=False, picture_bytes=shots[0].nbytes)
    seen = [frame for i, shot in enumerate(shots, first) for frame in follower.take(i, shot)]
    return np.array([frame.sighting.face.points for frame in [*seen, *follower.finish()]])


def test_landmarks_in_simulated_batches_are_those_of_single_crops(models, simulated_batch, shots):
    batched = replace(models, star_batch=simulated_batch)
    assert isinstance(batched.follower(FRAMES, False, shots[0].nbytes), LockstepFollower)
    found = points_of(batched, shots)
    assert simulated_batch.calls == 10  # 34 crops: four runs at once, the last of four frames
    np.testing.assert_array_equal(found, points_of(models, shots))
    np.testing.assert_array_equal(points_of(batched, shots[10:], 10), found[10:])


def test_a_crop_is_read_alike_in_every_slot_of_a_simulated_batch(models, simulated_batch, shots):
    batch = StarBatch(simulated_batch)
    assert batch.slots == SLOTS
    box = np.array([180.0, 90.0, 460.0, 380.0])
    moved = box + 6.0
    together = batch.locate({0: (shots[0], box), 2: (shots[5], moved)})
    assert sorted(together) == [0, 2]
    single = models.landmarker
    assert isinstance(single, Star98)
    for slot, (frame, place) in {0: (shots[0], box), 2: (shots[5], moved)}.items():
        expected = single.locate(frame, place)
        np.testing.assert_array_equal(together[slot].points, expected.points)
        assert together[slot].confidence == expected.confidence


@pytest.mark.parametrize("fast", [False, True])
def test_large_pictures_and_the_fast_way_go_without_batches(models, simulated_batch, fast):
    batched = replace(models, star_batch=simulated_batch)
    large = 3840 * 2160 * 3
    assert not isinstance(batched.follower(FRAMES, fast, large), LockstepFollower)
    assert not isinstance(batched.follower(FRAMES, True, 640 * 480 * 3), LockstepFollower)
