"""Following a dot face through a recording: restarts, losses, no trace of where chunks begin."""

from dataclasses import replace

import numpy as np
import pytest

from tests.stand_ins.landmark_models import drawn, face_at
from workers.chunk.order import RESTARTS
from workers.clnf.following import RESTART, WARM_UP, FaceTrack, RestartedTracker
from workers.clnf.tracker import LandmarkTracker
from workers.face.boxes import Detections
from workers.face.landmarker import Landmarks
from workers.face.scheme import IBUG68

NOBODY = Detections(np.zeros((0, 4)), np.zeros(0))
SIZE = (240, 320)
SCALE = 0.9


class BrightDetector:
    """Sees the bright dots' extent as a face."""

    side = 640

    def __init__(self, score: float = 0.8) -> None:
        self.score = score
        self.searched: list[int] = []

    def detect(self, picture, minimum_score=0.5):
        self.searched.append(picture.shape[1])
        rows, columns = np.nonzero(picture[:, :, 1] > 90)
        if not rows.size or self.score < minimum_score:
            return NOBODY
        box = [columns.min() - 4.0, rows.min() - 4.0, columns.max() + 4.0, rows.max() + 4.0]
        return Detections(np.array([box]), np.array([self.score]))


class NearLandmarks:
    """Landmarks of frames that are known, some px off."""

    scheme = IBUG68

    def __init__(self, film: "Film") -> None:
        self._film = film

    def locate(self, frame, box):
        index = next(i for i, shot in enumerate(self._film.frames) if shot is frame)
        off = np.random.default_rng(index).normal((2.0, -1.5), 1.0, (68, 2))
        points = self._film.points[index]
        return Landmarks(np.full((68, 2), np.nan) if points is None else points + off, None)


class Doubting:
    """A validator that says no where the first pixel is white."""

    def certainty(self, grey, points, angles):
        return 0.9 if grey[0, 0] == 255 else -0.9


class Film:
    """A dot face on its way; None in places: nobody is there."""

    def __init__(self, places: list[tuple[float, float] | None]) -> None:
        self.points = [
            None
            if place is None
            else face_at(SCALE, place, local=(8.0 * np.sin(n / 7), 0.0, 0.0, 0.0))[0]
            for n, place in enumerate(places)
        ]
        greys = [
            np.full(SIZE, 40, np.uint8) if points is None else drawn(points, SCALE, SIZE)
            for points in self.points
        ]
        self.frames = [np.ascontiguousarray(np.stack([grey] * 3, axis=-1)) for grey in greys]


def walking(count: int) -> Film:
    return Film([(150.0 + 0.4 * n % 40, 120.0 + 6 * np.sin(n / 9)) for n in range(count)])


@pytest.fixture
def tracker_of(dot_models):
    def make(film, stop=None, *, seeker=None, verifier=None, validator=None):
        models = replace(dot_models, validator=validator or Doubting())
        seeker, verifier = seeker or BrightDetector(), verifier or BrightDetector()
        followed = LandmarkTracker(models)
        return RestartedTracker(
            lambda: FaceTrack(seeker, verifier, NearLandmarks(film), followed),
            len(film.frames) if stop is None else stop,
        )

    return make


def off(face, points) -> float:
    return float(np.median(np.linalg.norm(face.points - points, axis=1)))


def test_planning_and_tracking_agree_on_where_tracks_begin():
    assert (RESTARTS["clnf68"].every, RESTARTS["clnf68"].warm_up) == (RESTART, WARM_UP)


def test_a_walking_face_is_followed_through_restarts(tracker_of):
    film = walking(70)
    tracker = tracker_of(film)
    for index, (frame, points) in enumerate(zip(film.frames, film.points, strict=True)):
        face = tracker.step(index, frame).face
        assert face is not None
        assert off(face, points) < 0.5
        assert face.confidence == pytest.approx(0.95)
        assert face.fit is not None


def test_a_chunk_finds_what_the_whole_recording_does(tracker_of):
    film = walking(112)
    whole = tracker_of(film)
    all_of_it = [whole.step(i, frame) for i, frame in enumerate(film.frames)]
    for first, start, stop in [(0, 0, 50), (40, 50, 100), (90, 100, 112), (40, 73, 112)]:
        chunk = tracker_of(film, stop)
        for index in range(first, stop):
            seen = chunk.step(index, film.frames[index])
            if index >= start:
                np.testing.assert_array_equal(seen.face.points, all_of_it[index].face.points)
                np.testing.assert_array_equal(seen.face.box, all_of_it[index].face.box)
                np.testing.assert_array_equal(seen.face.irises, all_of_it[index].face.irises)
                assert seen.faces == all_of_it[index].faces


@pytest.mark.parametrize(("stop", "begun"), [(50, 1), (51, 2), (100, 2), (101, 3)])
def test_no_track_is_begun_that_counts_for_no_frame(tracker_of, stop, begun):
    film, seeker = walking(stop), BrightDetector()
    tracker = tracker_of(film, stop, seeker=seeker)
    sightings = [tracker.step(i, frame) for i, frame in enumerate(film.frames)]
    assert len(seeker.searched) == begun
    counted = [i for i, sighting in enumerate(sightings) if sighting.faces is not None]
    assert counted == [RESTART * n for n in range(begun)]


def test_where_a_track_began_no_longer_shows_when_it_counts(tracker_of):
    film = walking(60)
    one, other = tracker_of(film, 50), tracker_of(film, 60)
    for index in range(60):
        if index < 50:
            before = one.step(index, film.frames[index]).face
        after = other.step(index, film.frames[index]).face
    assert before is not None
    assert off(after, film.points[-1]) < 0.3


def test_after_a_cut_the_face_is_found_in_the_same_frame(tracker_of):
    film = Film([(110.0, 120.0)] * 5 + [(225.0, 120.0)] * 5)
    tracker = tracker_of(film)
    for index, (frame, points) in enumerate(zip(film.frames, film.points, strict=True)):
        sighting = tracker.step(index, frame)
        assert sighting.face is not None
        assert off(sighting.face, points) < 0.7
        assert (sighting.faces is not None) == (index in (0, 5))


def test_a_face_that_leaves_is_missed_at_once_and_found_when_it_comes_back(tracker_of):
    places = [(150.0, 120.0)] * 4 + [None] * 3 + [(190.0, 110.0)] * 3
    film = Film(places)
    tracker = tracker_of(film)
    seen = [tracker.step(i, frame).face is not None for i, frame in enumerate(film.frames)]
    assert seen == [place is not None for place in places]


def test_what_the_validator_doubts_is_no_face_and_is_found_again_afterwards(tracker_of):
    film = walking(12)
    for doubted in (4, 5):
        film.frames[doubted][0, 0] = 255
    tracker = tracker_of(film)
    seen = [tracker.step(i, frame).face is not None for i, frame in enumerate(film.frames)]
    assert seen == [index not in (4, 5) for index in range(12)]


def test_what_the_detector_does_not_see_is_no_face(tracker_of):
    film = walking(3)
    tracker = tracker_of(film, verifier=BrightDetector(score=0.4))
    assert [tracker.step(i, frame).face for i, frame in enumerate(film.frames)] == [None] * 3


def test_a_face_elsewhere_in_the_surroundings_is_not_the_one_that_is_followed(tracker_of):
    class Beside(BrightDetector):
        def detect(self, picture, minimum_score=0.5):
            found = super().detect(picture, minimum_score)
            return Detections(found.boxes + np.array([52.0, 0.0, 52.0, 0.0]), found.scores)

    film = walking(2)
    tracker = tracker_of(film, verifier=Beside())
    assert tracker.step(0, film.frames[0]).face is None


def test_without_a_validator_the_detector_judges(dot_models):
    film = walking(3)
    models = LandmarkTracker(replace(dot_models, validator=None))
    seeker, verifier = BrightDetector(), BrightDetector(score=0.7)
    tracker = RestartedTracker(
        lambda: FaceTrack(seeker, verifier, NearLandmarks(film), models), stop=3
    )
    for index, frame in enumerate(film.frames):
        face = tracker.step(index, frame).face
        assert face is not None
        assert face.confidence == pytest.approx(0.7)


def test_a_frame_that_cannot_be_decoded_has_no_face_and_does_not_end_the_track(tracker_of):
    film, seeker = walking(8), BrightDetector()
    tracker = tracker_of(film, seeker=seeker)
    frames = [None if index == 3 else frame for index, frame in enumerate(film.frames)]
    seen = [tracker.step(i, frame).face is not None for i, frame in enumerate(frames)]
    assert seen == [index != 3 for index in range(8)]
    assert len(seeker.searched) == 1


def test_landmarks_that_are_no_face_start_nothing(tracker_of):
    film = walking(2)
    film.points[0] = None
    tracker = tracker_of(film)
    assert tracker.step(0, film.frames[0]).face is None
    assert tracker.step(1, film.frames[1]).face is not None
