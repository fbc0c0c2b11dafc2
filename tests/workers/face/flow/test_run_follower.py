"""Following through runs: where the model looks, and that nothing shows of where a chunk begins."""

import cv2
import numpy as np
import pytest

from workers.face.boxes import Detections
from workers.face.flow.run_follower import RunFollower
from workers.face.landmarker import Landmarks
from workers.face.scheme import IBUG68
from workers.face.tracking import ANCHOR, FaceTracker, Sighting

SIDE, HEIGHT, WIDTH = 120, 300, 500
NOBODY = Detections(np.zeros((0, 4)), np.zeros(0))
ACROSS, DOWN = np.meshgrid(np.linspace(0.1, 0.9, 17), np.linspace(0.2, 0.8, 4))
PLACES = np.stack([ACROSS, DOWN], -1).reshape(-1, 2)
"""Of 68 points, in units of the face's side."""


def patterned(seed: int, height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return cv2.normalize(smooth, None, 20, 120, cv2.NORM_MINMAX).astype(np.uint8)


GROUND = np.repeat(patterned(8, HEIGHT, WIDTH)[:, :, None], 3, axis=2)
FACE = patterned(7, SIDE, SIDE)


def picture(x: int | None, y: int = 90, face: np.ndarray = FACE) -> np.ndarray:
    """A patterned square, red, before a patterned ground."""
    frame = GROUND.copy()
    if x is not None:
        frame[y : y + SIDE, x : x + SIDE, 1] = face
        frame[y : y + SIDE, x : x + SIDE, 2] = 255
    return frame


class RedSquares:
    """A detector that reads real pixels: the face is where it is red."""

    side = 640

    def detect(self, picture, minimum_score=0.5):
        rows, columns = np.nonzero(picture[:, :, 2] > 200)
        if not rows.size:
            return NOBODY
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], dtype=float)
        return Detections(box[None], np.array([0.9]))


class GridPoints:
    """Landmarks at fixed places of the red square; counts how often it looked."""

    scheme = IBUG68

    def __init__(self, confidence=None) -> None:
        self.looks = 0
        self.confidence = confidence

    def locate(self, frame, box):
        self.looks += 1
        found = RedSquares().detect(frame).boxes[0]
        return Landmarks(found[:2] + PLACES * (found[2:] - found[:2]), self.confidence)


def follower(**landmarks) -> tuple[RunFollower, GridPoints]:
    model = GridPoints(**landmarks)
    return RunFollower(FaceTracker(RedSquares(), RedSquares(), model), IBUG68), model


def followed(pictures, first: int = 0) -> tuple[list[Sighting], GridPoints]:
    following, model = follower()
    seen = [s for i, p in enumerate(pictures, first) for s in following.take(i, p)]
    seen += following.finish()
    assert [s.index for s in seen] == list(range(first, first + len(pictures)))
    assert all(s.picture is pictures[s.index - first] for s in seen)
    return [s.sighting for s in seen], model


def exactly(pictures) -> list[Sighting]:
    tracker = FaceTracker(RedSquares(), RedSquares(), GridPoints())
    return [tracker.step(i, p) for i, p in enumerate(pictures)]


def assert_same(found: list[Sighting], expected: list[Sighting]) -> None:
    assert [s.face is None for s in found] == [s.face is None for s in expected]
    for here, there in zip(found, expected, strict=True):
        if here.face is not None and there.face is not None:
            np.testing.assert_array_equal(here.face.points, there.face.points)
            np.testing.assert_array_equal(here.face.box, there.face.box)
            assert here.face.followed == there.face.followed


WALK = [picture(60 + 3 * i, 90 + (i % 3)) for i in range(2 * ANCHOR + 6)]


def test_a_face_that_only_moves_is_looked_at_at_anchors_and_at_the_end() -> None:
    found, model = followed(WALK)
    looked = [i for i, s in enumerate(found) if s.face is not None and not s.face.followed]
    assert looked == [0, ANCHOR, 2 * ANCHOR, 2 * ANCHOR + 5]
    assert model.looks == 4


def test_followed_points_are_where_the_model_would_have_seen_them() -> None:
    found, _ = followed(WALK)
    for here, there in zip(found, exactly(WALK), strict=True):
        apart = np.linalg.norm(here.face.points - there.face.points, axis=1)
        assert apart.mean() < 0.5
        assert apart.max() < 2.5


def test_every_frame_says_how_many_faces_only_where_all_of_it_was_searched() -> None:
    found, _ = followed(WALK)
    searched = [i for i, s in enumerate(found) if s.faces is not None]
    assert searched == [0, ANCHOR, 2 * ANCHOR, 2 * ANCHOR + 5]


def test_the_model_looks_where_the_eyes_picture_changes() -> None:
    eye = PLACES[36:42] * SIDE
    (left, top), (right, bottom) = (eye.min(0) - 12).astype(int), (eye.max(0) + 12).astype(int)
    other = FACE.copy()
    other[top:bottom, left:right] = patterned(99, SIDE, SIDE)[top:bottom, left:right]
    shots = [picture(60 + 2 * i, face=other if i == 4 else FACE) for i in range(ANCHOR + 1)]
    found, _ = followed(shots)
    assert not found[4].face.followed
    assert all(found[i].face.followed for i in (1, 2, 7, 8))


class BlinkingPoints(GridPoints):
    """The right eye is shut where the middle of the face is blue, which flow hardly sees."""

    def locate(self, frame, box):
        found = super().locate(frame, box)
        seen = RedSquares().detect(frame).boxes[0]
        x, y = ((seen[:2] + seen[2:]) / 2).astype(int)
        if frame[y, x, 0] > 200:
            found.points[[41, 40]] = found.points[[37, 38]]
        return found


def test_the_model_looks_at_every_frame_of_a_blink() -> None:
    shots = [picture(60 + 2 * i, face=FACE if i != 5 else FACE[:, ::-1]) for i in range(ANCHOR + 1)]
    for i in (4, 5, 6, 7):
        centre = 60 + 2 * i + SIDE // 2
        shots[i][90 + SIDE // 2, centre - 1 : centre + 2, 0] = 255
    model = BlinkingPoints()
    following = RunFollower(FaceTracker(RedSquares(), RedSquares(), model), IBUG68)
    seen = [s for i, p in enumerate(shots) for s in following.take(i, p)]
    looked = [s.index for s in seen if not s.sighting.face.followed]
    assert looked == [0, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("gone", [4, ANCHOR])
def test_no_frame_without_a_face_gets_numbers(gone: int) -> None:
    shots = [picture(None if i == gone else 60 + 2 * i) for i in range(2 * ANCHOR + 1)]
    found, _ = followed(shots)
    assert [i for i, s in enumerate(found) if s.face is None] == [gone]
    assert_same(found[:ANCHOR], exactly(shots)[:ANCHOR])


class BlindWhereBlue(RedSquares):
    """Misses the face where a corner of the picture is blue, which flow does not see."""

    def detect(self, picture, minimum_score=0.5):
        blue = (picture[:, :, 0] > 200).any()
        return NOBODY if blue else super().detect(picture, minimum_score)


def test_the_detector_has_to_see_the_face_in_followed_frames_too() -> None:
    shots = [picture(60 + 2 * i) for i in range(ANCHOR + 1)]
    shots[4][85, 60, 0] = 255
    tracker = FaceTracker(BlindWhereBlue(), BlindWhereBlue(), GridPoints())
    following = RunFollower(tracker, IBUG68)
    seen = [s for i, p in enumerate(shots) for s in following.take(i, p)]
    assert [s.index for s in seen if s.sighting.face is None] == [4]


def test_no_face_at_all_gives_none() -> None:
    found, model = followed([picture(None)] * (ANCHOR + 3))
    assert all(s.face is None for s in found)
    assert model.looks == 0


@pytest.mark.parametrize("damaged", [0, 3, ANCHOR])
def test_where_a_picture_is_missing_every_other_frame_is_looked_at(damaged: int) -> None:
    shots = [None if i == damaged else shot for i, shot in enumerate(WALK)]
    found, _ = followed(shots)
    run = slice(0, ANCHOR)
    assert_same(found[run], exactly(shots)[run])
    assert found[damaged].face is None


def test_points_never_wander_from_one_face_to_another() -> None:
    shots = [picture(20 if i < ANCHOR else 360) for i in range(ANCHOR + 1)]
    found, _ = followed(shots)
    assert_same(found, exactly(shots))


def test_what_is_seen_depends_on_nothing_before_the_anchor_and_behind_the_next() -> None:
    whole, _ = followed(WALK)
    for first in (0, ANCHOR):
        part, _ = followed(WALK[first : first + ANCHOR + 1], first)
        assert_same(part[:ANCHOR], whole[first : first + ANCHOR])


def test_no_followed_frame_is_surer_than_those_that_it_was_followed_from() -> None:
    following, _ = follower(confidence=0.4)
    seen = [s for i, p in enumerate(WALK) for s in following.take(i, p)]
    assert {s.sighting.face.confidence for s in seen} == {0.4}


def test_pictures_are_given_out_as_soon_as_the_next_anchor_has_come() -> None:
    following, _ = follower()
    given = [len(list(following.take(i, p))) for i, p in enumerate(WALK[: ANCHOR + 2])]
    assert given == [0] * ANCHOR + [ANCHOR, 0]
    assert len(list(following.finish())) == 2


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_short_recordings_are_followed_whole(frames: int) -> None:
    found, model = followed(WALK[:frames])
    assert len(found) == frames
    assert model.looks == frames
