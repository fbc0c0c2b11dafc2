"""What backends are asked in a trial, and what counts as wrong."""

import numpy as np
import pytest

from weights.manifest import DEMO_FOLDER, read_record
from workers.models.retinaface import RetinaFace
from workers.session.backends import CPU
from workers.session.runners import open_runner
from workers.session.trial.figures import BOUNDS, NO_NUMBERS, Attempt, NetworkFigures
from workers.session.trial.reference import (
    OUTPUTS,
    answers_of_batch,
    deviation,
    reference_faces,
    reference_inputs,
)

SHAPES = {
    "retinaface_frame": (1, 3, 640, 640),
    "retinaface_face": (1, 3, 192, 192),
    "star98": (1, 3, 256, 256),
    "pfld68": (2, 3, 112, 112),
    "mtl_aus": (2, 3, 224, 224),
}


@pytest.fixture(scope="module")
def runners(tmp_path_factory):
    """The demo networks."""
    compiled = tmp_path_factory.mktemp("compiled")
    models = read_record(DEMO_FOLDER).models
    return {n: open_runner(DEMO_FOLDER, models[n], CPU, compiled) for n in models}


def answers(runner, name):
    (given,) = runner.input_shapes
    asked = reference_inputs(name, runner.input_shapes[given])
    return [runner.run(list(OUTPUTS[name]), **{given: one}) for one in asked]


def test_the_faces_are_drawn_the_same_each_time_and_found_in_their_boxes(runners):
    seeker = RetinaFace(runners["retinaface_frame"])
    before = reference_faces()
    reference_faces.cache_clear()
    for (picture, box), (again, same_box) in zip(before, reference_faces(), strict=True):
        np.testing.assert_array_equal(picture, again)
        np.testing.assert_array_equal(box, same_box)
        found = seeker.detect(picture)
        assert len(found) == 1
        np.testing.assert_allclose(found.boxes[0], box, atol=20)


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_network_is_asked_three_unlike_things_in_its_own_shape(name):
    inputs = reference_inputs(name, SHAPES[name])
    assert [one.shape for one in inputs] == [SHAPES[name]] * 3
    assert all(one.dtype == np.float32 for one in inputs)
    assert all(float(one.std()) > 0.1 for one in inputs)
    assert len({one.tobytes() for one in inputs}) == 3


def test_a_batch_of_crops_takes_the_faces_in_turn_and_so_do_its_answers():
    single, four = (reference_inputs("star98", (n, 3, 256, 256)) for n in (1, 4))
    for n, batch in enumerate(four):
        for k in range(4):
            np.testing.assert_array_equal(batch[k], single[(n + k) % 3][0])
    told = [[np.full((1, 98, 2), n, np.float32), np.full(1, n, np.float32)] for n in range(3)]
    made = answers_of_batch(told, 4)
    turns = [[0, 1, 2, 0], [1, 2, 0, 1], [2, 0, 1, 2]]
    assert [list(confidence) for _, confidence in made] == turns
    assert [points[:, 5, 1].tolist() for points, _ in made] == [list(c) for _, c in made]
    assert [call[1].shape for call in answers_of_batch(told, 1)] == [(1,)] * 3


@pytest.mark.parametrize("name", read_record(DEMO_FOLDER).models)
def test_the_same_answers_are_not_off(name, runners):
    given = answers(runners[name], name)
    found = deviation(name, SHAPES[name], given, answers(runners[name], name))
    assert set(found.values()) == {0.0}


def changed(given, output, by, place=...):
    """Answers whose second call is off in one output."""
    made = [[array.copy() for array in call] for call in given]
    made[1][output][place] += by
    return made


@pytest.mark.parametrize(
    ("name", "output", "by", "what", "off"),
    [
        ("star98", 0, 0.01, "points, px", 1.28),
        ("star98", 1, 0.02, "scores", 0.02),
        ("mtl_aus", 0, -0.03, "scores", 0.03),
        ("retinaface_frame", 1, 0.02, "scores", 0.02),
    ],
)
def test_answers_that_are_off_are_told_in_the_units_of_the_bounds(
    name, output, by, what, off, runners
):
    given = answers(runners[name], name)
    found = deviation(name, SHAPES[name], changed(given, output, by), given)
    assert found[what] == pytest.approx(off, rel=1e-3)
    assert NetworkFigures(name, 1.0, found).too_far.startswith(f"{name}'s {what} are ")


def test_pflds_points_are_told_in_px_of_its_crop():
    told = [[np.zeros((2, 136), np.float32)] for _ in range(3)]
    found = deviation("pfld68", SHAPES["pfld68"], changed(told, 0, 0.01), told)
    assert found == {"points, px": pytest.approx(1.12)}


def test_boxes_are_compared_where_faces_are_likely(runners):
    name = "retinaface_face"
    given = answers(runners[name], name)
    likely = int(np.argmax(given[1][1]))
    unlikely = int(np.argmin(given[1][1]))
    moved = changed(given, 0, 0.5, (0, likely, 0))
    assert deviation(name, SHAPES[name], moved, given)["boxes, px"] > BOUNDS["boxes, px"]
    elsewhere = changed(given, 0, 0.5, (0, unlikely, 0))
    assert deviation(name, SHAPES[name], elsewhere, given)["boxes, px"] == 0.0


@pytest.mark.parametrize("name", read_record(DEMO_FOLDER).models)
def test_what_is_no_number_or_has_another_shape_is_wrong(name, runners):
    given = answers(runners[name], name)
    for output in range(len(OUTPUTS[name])):
        nan = changed(given, output, np.nan, (0,))
        assert max(deviation(name, SHAPES[name], nan, given).values()) == NO_NUMBERS
        short = [list(call) for call in given]
        short[2][output] = short[2][output][..., :-1]
        found = deviation(name, SHAPES[name], short, given)
        assert max(found.values()) == NO_NUMBERS
        assert "no numbers" in NetworkFigures(name, 1.0, found).too_far


def test_a_frame_searches_the_whole_picture_every_tenth_time():
    networks = (
        NetworkFigures("retinaface_frame", 20.0, {}),
        NetworkFigures("retinaface_face", 1.0, {}),
        NetworkFigures("star98", 50.0, {"points, px": 0.2}),
    )
    attempt = Attempt(backend=CPU, networks=networks, processes=4)
    assert attempt.frame_ms == pytest.approx(53.0)
    assert attempt.machine_ms == pytest.approx(13.25)
    said = "right, 53.0 ms a frame in each of 4 processes; points, px 0.2 off"
    assert str(attempt) == f"{CPU}: {said}"
