"""Several runs followed at once: the same as one after the other, in the same order."""

import numpy as np
import pytest

from tests.workers.face.test_tracking import DrawnFace, SquarePoints, picture
from workers.face.lockstep import HELD_BYTES, LockstepFollower, runs_together
from workers.face.tracking import ANCHOR, FaceTracker, SeenFrame

SLOTS = 4


class SquaresTogether:
    """Landmarks of several bright squares at once; keeps which slots were filled."""

    slots = SLOTS

    def __init__(self) -> None:
        self.calls: list[tuple[int, ...]] = []

    def locate(self, wanted):
        self.calls.append(tuple(wanted))
        return {slot: SquarePoints().locate(*given) for slot, given in wanted.items()}


class NeverAsked(SquarePoints):
    def locate(self, frame, box):
        raise AssertionError("landmarks were located one by one")


def tracker(landmarker=None) -> FaceTracker:
    return FaceTracker(DrawnFace(), DrawnFace(), landmarker or NeverAsked())


def together(shots, first: int = 0, runs: int = SLOTS) -> tuple[list[SeenFrame], SquaresTogether]:
    batch = SquaresTogether()
    follower = LockstepFollower(tracker, batch, runs)
    seen = [frame for i, shot in enumerate(shots, first) for frame in follower.take(i, shot)]
    return [*seen, *follower.finish()], batch


def one_by_one(shots) -> list[SeenFrame]:
    alone = tracker(SquarePoints())
    return [SeenFrame(i, shot, alone.step(i, shot)) for i, shot in enumerate(shots)]


def assert_same(found: list[SeenFrame], expected: list[SeenFrame]) -> None:
    assert [f.index for f in found] == [f.index for f in expected]
    for here, there in zip(found, expected, strict=True):
        assert here.picture is there.picture
        assert here.sighting.faces == there.sighting.faces
        assert (here.sighting.face is None) == (there.sighting.face is None), here.index
        if here.sighting.face is not None and there.sighting.face is not None:
            np.testing.assert_array_equal(here.sighting.face.points, there.sighting.face.points)
            np.testing.assert_array_equal(here.sighting.face.box, there.sighting.face.box)
            assert here.sighting.face.confidence == there.sighting.face.confidence


def walk(frames: int):
    """A face that walks, is away at times, and pictures of which some are missing."""
    away, missing = (3, 4, 20, 37), (8, 30)
    places = [None if i in away else 20 + i for i in range(frames)]
    return [None if i in missing else picture(x) for i, x in enumerate(places)]


@pytest.mark.parametrize("frames", [0, 1, ANCHOR, 3 * ANCHOR + 4, 4 * ANCHOR, 6 * ANCHOR + 7])
@pytest.mark.parametrize("runs", [2, SLOTS])
def test_what_is_seen_is_what_one_run_after_the_other_sees(frames: int, runs: int) -> None:
    shots = walk(frames)
    found, _ = together(shots, runs=runs)
    assert_same(found, one_by_one(shots))


def test_crops_of_several_runs_are_located_in_one_call() -> None:
    shots = [picture(20 + i) for i in range(4 * ANCHOR)]
    _, batch = together(shots)
    assert batch.calls == [(0, 1, 2, 3)] * ANCHOR


def test_a_runs_slot_follows_from_its_place_in_the_recording() -> None:
    shots = [picture(20 + i) for i in range(2 * ANCHOR)]
    found, batch = together(shots, first=3 * ANCHOR)
    assert batch.calls == [(3, 0)] * ANCHOR
    assert [frame.index for frame in found] == list(range(3 * ANCHOR, 5 * ANCHOR))


def test_a_chunk_that_begins_at_any_anchor_sees_the_same() -> None:
    shots = walk(6 * ANCHOR)
    whole, _ = together(shots)
    for first in range(0, 6 * ANCHOR, ANCHOR):
        part, _ = together(shots[first:], first)
        assert_same(part, whole[first:])


def test_frames_are_given_out_when_as_many_runs_are_whole() -> None:
    follower = LockstepFollower(tracker, SquaresTogether(), 2)
    given = [len(list(follower.take(i, picture(30)))) for i in range(2 * ANCHOR + 1)]
    assert given == [0] * (2 * ANCHOR - 1) + [2 * ANCHOR, 0]
    assert len(list(follower.finish())) == 1


@pytest.mark.parametrize(
    ("height", "width", "runs"), [(480, 640, 4), (720, 1280, 3), (1080, 1920, 1), (2160, 3840, 1)]
)
def test_of_large_pictures_fewer_runs_are_held(height: int, width: int, runs: int) -> None:
    held = runs_together(height * width * 3, SLOTS)
    assert held == runs
    assert held == 1 or held * ANCHOR * height * width * 3 <= HELD_BYTES
