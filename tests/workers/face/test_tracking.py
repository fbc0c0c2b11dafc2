"""Tracking: anchors, losing a face, and independence from where a chunk begins."""

import numpy as np
import pytest

from workers.face.boxes import Detections
from workers.face.landmarker import Landmarks
from workers.face.scheme import IBUG68
from workers.face.tracking import ANCHOR, FaceTracker, Margins, plausible, verified_score

NOBODY = Detections(np.zeros((0, 4)), np.zeros(0))


class DrawnFace:
    """A detector and landmarker that read a bright square: simple, but on real pixels."""

    side = 640

    def __init__(self) -> None:
        self.searches = 0

    def detect(self, picture, minimum_score=0.5):
        self.searches += 1
        rows, columns = np.nonzero(picture[:, :, 1] > 128)
        if not rows.size:
            return NOBODY
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], dtype=float)
        return Detections(box[None], np.array([0.9]))


class SquarePoints:
    """Landmarks on the corners of the bright square in the box."""

    scheme = IBUG68

    def __init__(self, confidence=None) -> None:
        self.confidence = confidence

    def locate(self, frame, box):
        found = DrawnFace().detect(frame).boxes
        x1, y1, x2, y2 = found[0] if len(found) else box
        corners = np.array([[x1, y1], [x2, y1], [x1, y2], [x2, y2]])
        return Landmarks(np.repeat(corners, 17, axis=0), self.confidence)


def picture(x: int | None):
    frame = np.zeros((120, 200, 3), np.uint8)
    if x is not None:
        frame[40:80, x : x + 40, 1] = 255
    return frame


def tracker(**landmarks):
    seeker, verifier = DrawnFace(), DrawnFace()
    return FaceTracker(seeker, verifier, SquarePoints(**landmarks)), seeker


def test_the_whole_picture_is_searched_at_anchors_only():
    followed, seeker = tracker()
    sightings = [followed.step(i, picture(20 + i)) for i in range(2 * ANCHOR)]
    assert seeker.searches == 2
    assert [s.faces is not None for s in sightings] == ([True] + [False] * (ANCHOR - 1)) * 2
    assert all(s.face is not None for s in sightings)


def test_a_face_that_leaves_is_missed_at_once_and_found_when_it_comes_back():
    followed, _ = tracker()
    places = [30, 30, None, None, 90, 90]
    seen = [followed.step(i, picture(x)).face is not None for i, x in enumerate(places)]
    assert seen == [True, True, False, False, True, True]


class Blinking(DrawnFace):
    """A verifier that misses the face every now and then."""

    def detect(self, picture, minimum_score=0.5):
        found = super().detect(picture, minimum_score)
        return NOBODY if self.searches % 3 == 0 else found


def test_a_face_that_the_verifier_missed_once_is_looked_for_where_it_was():
    seeker = DrawnFace()
    followed = FaceTracker(seeker, Blinking(), SquarePoints())
    followed.step(0, picture(30))
    seeker.detect = lambda *_: NOBODY  # from now on only the verifier could find it
    seen = [followed.step(i, picture(30)).face is not None for i in range(1, ANCHOR)]
    assert seen == [True, True, False] * 3


def test_an_anchor_forgets_the_face_of_before():
    seeker = DrawnFace()
    followed = FaceTracker(seeker, DrawnFace(), SquarePoints())
    followed.step(0, picture(30))
    seeker.detect = lambda *_: NOBODY
    seen = [followed.step(i, picture(30)).face is not None for i in range(1, ANCHOR + 2)]
    assert seen == [True] * (ANCHOR - 1) + [False] * 2


def test_anchors_search_thoroughly_and_other_frames_do_not():
    small = np.zeros((1200, 2000, 3), np.uint8)
    small[100:140, 1500:1540, 1] = 255

    class Shortsighted(DrawnFace):
        def detect(self, picture, minimum_score=0.5):
            return NOBODY if max(picture.shape) > 1000 else super().detect(picture)

    followed = FaceTracker(Shortsighted(), DrawnFace(), SquarePoints())
    assert followed.step(1, small).face is None
    assert followed.step(ANCHOR, small).face is not None


def test_a_frame_that_cannot_be_decoded_has_no_face():
    followed, _ = tracker()
    followed.step(0, picture(30))
    assert followed.step(1, None).face is None
    assert followed.step(2, picture(30)).face is not None


def test_what_is_seen_depends_on_nothing_before_the_anchor():
    places = [20 + 3 * i for i in range(3 * ANCHOR)]
    whole, _ = tracker()
    all_of_it = [whole.step(i, picture(x)).face for i, x in enumerate(places)]
    later, _ = tracker()
    for i in range(ANCHOR, 3 * ANCHOR):
        face = later.step(i, picture(places[i])).face
        assert face is not None
        assert all_of_it[i] is not None
        np.testing.assert_array_equal(face.box, all_of_it[i].box)
        np.testing.assert_array_equal(face.points, all_of_it[i].points)


def test_the_lower_of_both_confidences_counts():
    followed, _ = tracker(confidence=0.4)
    face = followed.step(0, picture(30)).face
    assert face is not None
    assert face.confidence == pytest.approx(0.4)


def test_the_box_moves_and_grows_with_the_landmarks():
    points = np.array([[10.0, 10.0], [30.0, 50.0]])
    margins = Margins.between(np.array([5.0, 2.0, 40.0, 54.0]), points)
    np.testing.assert_allclose(margins.around(points), (5, 2, 40, 54))
    np.testing.assert_allclose(margins.around(points * 2 + 100), (110, 104, 180, 208))
    symmetric = margins.symmetric()
    assert symmetric.left == symmetric.right == pytest.approx((0.25 + 0.5) / 2)


def test_nothing_is_verified_outside_the_picture():
    assert verified_score(DrawnFace(), picture(30), np.array([-300.0, 0, -200, 100])) == 0.0


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (np.array([[10.0, 10.0], [90.0, 90.0]]), True),
        (np.array([[48.0, 48.0], [52.0, 52.0]]), False),
        (np.array([[200.0, 10.0], [290.0, 90.0]]), False),
        (np.array([[np.nan, 10.0], [90.0, 90.0]]), False),
    ],
)
def test_landmarks_must_fit_their_box(points, expected):
    assert plausible(points, np.array([0.0, 0.0, 100.0, 100.0])) is expected
