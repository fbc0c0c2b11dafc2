"""The debug video, decoded: what is drawn into it, and that the banner names the right side."""

import cv2
import numpy as np
import pytest

from tests.measurement import HELD_SEEDS
from tests.ops.command import facemirror
from tests.ops.film import write_film
from tests.ops.outputs import Outputs
from weights.demo.face_shape import Activations
from weights.demo.phantom import Appearance, FacePose, render, truth

FRAMES = 10
"""Of each pose: a face is searched anew in every tenth frame."""

POSES = {
    "straight": FacePose(330.0, 250.0, 300.0, roll=8.0),
    "left": FacePose(330.0, 250.0, 300.0, yaw=17.0),
    "right": FacePose(330.0, 250.0, 300.0, yaw=-17.0),
}
WIDTH, HEIGHT = 640, 480
SAID = "head turned to the patient's {}: the sides cannot be compared"


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A middle frame of each pose: as filmed, and as the debug video shows it, BGR int16."""
    folder = tmp_path_factory.mktemp("debug")
    look = Appearance.from_seed(HELD_SEEDS[0])
    pictures = [render(pose, Activations(), look, WIDTH, HEIGHT) for pose in POSES.values()]
    film = folder / "turning.mp4"
    write_film(film, (picture for picture in pictures for _ in range(FRAMES)), 10)
    done = facemirror("run", film, "--out", folder, "--weights", "demo", "--debug-video")
    assert done.returncode == 0, done.stderr
    times, frames = Outputs(folder / "turning").video("debug")
    assert len(times) == FRAMES * len(POSES)
    return {
        name: (pictures[n].astype(np.int16), frames[FRAMES * n + FRAMES // 2].astype(np.int16))
        for n, name in enumerate(POSES)
    }


def reddened(filmed, picture):
    """(height, width): by how many grey levels a picture is redder than what was filmed."""
    before, after = (one[..., 2] - one[..., :2].max(axis=2) for one in (filmed, picture))
    return after - before


def banner(side):
    """(height, width) bool: the letters of the banner for a side."""
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    scale = WIDTH / 1100
    place = (round(10 * scale), round(40 * scale))
    cv2.putText(picture, SAID.format(side), place, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1)
    return picture > 0


@pytest.mark.parametrize(("turned", "other"), [("left", "right"), ("right", "left")])
def test_the_banner_names_the_side_that_the_head_is_turned_to(shown, turned, other):
    red = reddened(*shown[turned])
    said, unsaid = banner(turned), banner(other)
    assert red[said & ~unsaid].mean() > 2 * red[unsaid & ~said].mean()
    assert red[said].mean() > 80


def test_a_head_that_looks_ahead_has_no_banner(shown):
    assert abs(reddened(*shown["straight"])[banner("left") | banner("right")].mean()) < 10


def test_landmarks_are_green_dots_on_the_face(shown):
    _, picture = shown["straight"]
    blue, green, red = picture.transpose(2, 0, 1)
    dots = (green - np.maximum(blue, red)) > 60
    points = truth(POSES["straight"], Activations()).points
    away = cv2.distanceTransform((~dots).astype(np.uint8), cv2.DIST_L2, 3)
    x, y = np.rint(points).astype(int).T
    assert (away[y, x] < 10).all()
    face = cv2.boundingRect(np.rint(points).astype(np.int32))
    inside = np.zeros_like(dots)
    inside[face[1] - 15 : face[1] + face[3] + 15, face[0] - 15 : face[0] + face[2] + 15] = True
    assert not (dots & ~inside).any()


def test_the_midline_is_a_yellow_line_from_edge_to_edge(shown):
    """Through glabella and chin: at the top and at the bottom of the picture, off the face."""
    _, picture = shown["straight"]
    blue, green, red = picture.transpose(2, 0, 1)
    yellow = (np.minimum(green, red) - blue) > 90
    points = truth(POSES["straight"], Activations()).points
    glabella, chin = points[[38, 50]].mean(axis=0), points[16]
    for y in (5, HEIGHT - 6):
        expected = glabella[0] + (chin - glabella)[0] / (chin - glabella)[1] * (y - glabella[1])
        found = np.flatnonzero(yellow[y - 5 : y + 6].any(axis=0))  # compression fades thin lines
        assert len(found)
        assert np.abs(found - expected).max() < 15


def test_nothing_else_is_changed(shown):
    """Away from face, midline and banner the frame is as it was filmed, but for compression."""
    filmed, picture = shown["straight"]
    for corner in (np.s_[:150, :150], np.s_[:150, -150:]):
        assert np.abs(picture[corner] - filmed[corner]).mean() < 4
