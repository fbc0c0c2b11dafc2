"""The phantom: the same face for the same arguments, and known to the sub-pixel."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from weights.demo.face_shape import AUS, PARTNER, REST, SIDES, Side, face_points
from weights.demo.phantom import Activations, Appearance, FacePose, SideActivations, render, truth
from workers.face.eyes import au45
from workers.face.midline import midline, midline_ends
from workers.face.mirroring import mirror
from workers.face.scheme import WFLW98

SIZE = 400
POSE = FacePose(200.0, 200.0, 300.0)
CLEAN = replace(Appearance.from_seed(4), noise=0.0, blur=0.3, light=(0.0, 0.0, 1.0))


def driven(side: Side, **aus: float) -> Activations:
    moved = SideActivations(**aus)
    return Activations(left=moved) if side == "left" else Activations(right=moved)


def picture(done: Activations, pose: FacePose = POSE, look: Appearance = CLEAN) -> np.ndarray:
    return render(pose, done, look, SIZE, SIZE)


def test_the_same_arguments_give_the_same_picture() -> None:
    done, look = driven("left", au12=0.7, au45=0.3), Appearance.from_seed(8)
    np.testing.assert_array_equal(picture(done, look=look), picture(done, look=look))


def test_seeds_and_grains_differ() -> None:
    look = Appearance.from_seed(8)
    assert Appearance.from_seed(8) == look
    first = picture(Activations(), look=look)
    assert (
        np.abs(cv2.absdiff(first, picture(Activations(), look=Appearance.from_seed(9)))).max() > 40
    )
    again = cv2.absdiff(first, picture(Activations(), look=replace(look, grain=1)))
    assert 0 < again.mean() < 10


def test_an_activation_beyond_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"au12 is 1\.5"):
        SideActivations(au12=1.5)


def test_the_resting_face_is_symmetric() -> None:
    np.testing.assert_allclose(REST[PARTNER], REST * [-1, 1], atol=1e-12)
    assert (REST[:16, 0] < 0).all()  # the patient's right is on the image's left


@pytest.mark.parametrize("au", AUS)
@pytest.mark.parametrize("side", SIDES)
def test_an_au_is_seen_on_its_own_half_alone(au: str, side: Side) -> None:
    change = cv2.absdiff(picture(driven(side, **{au: 1.0})), picture(Activations())).max(axis=2)
    seam = round({"au26": 0.17, "au25": 0.1}.get(au, 0.05) * POSE.height)
    own, other = change[:, SIZE // 2 + 2 :], change[:, : SIZE // 2 - seam]
    if side == "right":
        own, other = change[:, : SIZE // 2 - 2], change[:, SIZE // 2 + seam :]
    assert other.max() <= 2
    assert own.max() > 25
    assert (own > 12).sum() > 60


@pytest.mark.parametrize("au", AUS)
def test_an_au_of_both_sides_keeps_the_face_symmetric(au: str) -> None:
    moved = SideActivations(**{au: 0.8})
    points = face_points(Activations(moved, moved))
    np.testing.assert_allclose(points[PARTNER], points * [-1, 1], atol=1e-12)


def test_no_two_aus_look_alike() -> None:
    rest = picture(Activations()).astype(float)
    changes = [(picture(driven("left", **{au: 1.0})).astype(float) - rest).ravel() for au in AUS]
    unit = np.stack([change / np.linalg.norm(change) for change in changes])
    alike = np.abs(unit @ unit.T) - np.eye(len(AUS))
    assert alike.max() < 0.5


@pytest.mark.parametrize("closure", [0.0, 0.2, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("side", SIDES)
def test_au45_is_five_times_the_closure(closure: float, side: Side) -> None:
    pose = FacePose(311.0, 205.0, 180.0, roll=-17.0)
    points = truth(pose, driven(side, au45=closure, au06=1.0, au09=1.0, au04=1.0)).points
    other: Side = "right" if side == "left" else "left"
    assert au45(points, WFLW98, side) == pytest.approx(5 * closure, abs=1e-9)
    assert au45(points, WFLW98, other) == pytest.approx(0.0, abs=1e-9)


def test_the_midline_stays_where_it_is_whatever_one_side_does() -> None:
    pose = FacePose(640.0, 300.0, 250.0, roll=12.0)
    rest = midline([truth(pose, Activations()).points], WFLW98)
    assert rest is not None
    for au in AUS:
        known = truth(pose, driven("right", **{au: 1.0}))
        np.testing.assert_allclose(known.midline, midline_ends(known.points, WFLW98), atol=1e-9)
        # A midline is rounded to some hundredths of a pixel.
        np.testing.assert_allclose(rest.distance(known.midline), 0.0, atol=0.03)


def test_the_patients_left_is_on_the_left_half_that_the_pipeline_keeps() -> None:
    smiling = picture(driven("left", au12=1.0))
    line = midline([truth(POSE, driven("left", au12=1.0)).points], WFLW98)
    assert line is not None
    both = SideActivations(au12=1.0)
    kept = mirror(smiling, line)
    mouth = (slice(240, 290), slice(150, 250))
    whole, rest = picture(Activations(both, both))[mouth], picture(Activations())[mouth]
    assert cv2.absdiff(kept["left"][mouth], whole).mean() < 1
    assert cv2.absdiff(kept["right"][mouth], rest).mean() < 1
    assert cv2.absdiff(whole, rest).mean() > 4


@pytest.mark.parametrize("roll", [-25.0, 0.0, 25.0])
@pytest.mark.parametrize("height", [80.0, 300.0])
def test_pupils_and_mouth_are_drawn_where_the_points_say(roll: float, height: float) -> None:
    pose = FacePose(201.3, 198.6, height, roll)
    drawn = picture(Activations(), pose).astype(float)
    points = truth(pose, Activations()).points
    for pupil, eye in ((96, slice(60, 68)), (97, slice(68, 76))):
        middle = points[pupil]
        reach = 0.012 * height
        y, x = np.mgrid[0:SIZE, 0:SIZE]
        near = (np.hypot(x - middle[0], y - middle[1]) < reach * 4) & _inside(points[eye])
        dark = np.clip(110 - drawn.mean(axis=2), 0, None) * near
        found = np.array([(x * dark).sum(), (y * dark).sum()]) / dark.sum()
        assert np.hypot(*(found - middle)) < 0.012 * height
    lips, skin = (
        _mean(drawn, points[[79, 85]].mean(axis=0)),
        _mean(drawn, points[16] * 0.1 + points[85] * 0.9),
    )
    assert np.abs(lips - skin).max() > 10


def _inside(outline: np.ndarray) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], (1,))
    return mask > 0


def _mean(drawn: np.ndarray, place: np.ndarray) -> np.ndarray:
    x, y = np.rint(place).astype(int)
    return drawn[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)


def test_brows_and_lids_lie_on_edges_of_the_drawing() -> None:
    """Across the outline at a point, the grey level changes strongly within a few px."""
    done = Activations(SideActivations(au01=0.5, au12=0.6, au25=1.0), SideActivations(au02=0.7))
    pose = FacePose(200.0, 190.0, 330.0, roll=9.0)
    grey = picture(done, pose).astype(float).mean(axis=2)
    points = truth(pose, done).points
    up = (points[51] - points[57]) / np.linalg.norm(points[51] - points[57])
    for index in (34, 35, 36, 39, 40, 43, 44, 45, 47, 48, 61, 62, 63, 69, 70, 71, 84, 85, 86):
        along = points[index] + np.linspace(-5, 5, 21)[:, None] * up
        x, y = along.astype(np.float32).T
        profile = cv2.remap(grey, x[None], y[None], cv2.INTER_LINEAR)[0]
        assert np.ptp(profile) > 12, index


def test_a_rolled_and_moved_face_takes_its_points_along() -> None:
    done = driven("left", au26=1.0, au02=1.0)
    turned = FacePose(150.0, 260.0, 150.0, roll=90.0)
    first, second = truth(POSE, done), truth(turned, done)
    relative = (first.points - [200.0, 200.0]) / 2
    expected = relative @ [[0.0, 1.0], [-1.0, 0.0]] + [150.0, 260.0]
    np.testing.assert_allclose(second.points, expected, atol=1e-9)


@pytest.mark.parametrize("roll", [-25.0, -10.0, 0.0, 25.0])
def test_the_box_holds_all_points(roll: float) -> None:
    full = SideActivations(au02=1.0, au26=1.0, au12=1.0)
    known = truth(FacePose(200.0, 200.0, 300.0, roll), Activations(full, full))
    assert (known.points >= known.box[:2]).all()
    assert (known.points <= known.box[2:]).all()
    assert known.box[3] - known.box[1] == pytest.approx(300.0, rel=0.03)


def test_a_face_partly_or_wholly_outside_is_drawn_too() -> None:
    for x in (-60.0, 20.0, 399.0, 900.0):
        assert picture(Activations(), FacePose(x, 10.0, 200.0)).shape == (SIZE, SIZE, 3)
