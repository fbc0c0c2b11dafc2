"""Clinical measures from a phantom's pictures, and through the whole pipeline."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from tasks.outputs.measures.filmed_faces import FilmedFaces
from tasks.outputs.measures.movements import movements
from tasks.outputs.measures.recording import measured_recording
from tests.measurement import HELD_SEEDS
from tests.ops.command import facemirror
from tests.ops.film import write_film
from tests.ops.outputs import Outputs
from tests.tasks.outputs.measures.test_rest_and_movements import OWN_MEASURE, true_excursions
from weights.demo.exercises import Recording, exercises, frames, pose_at
from weights.demo.true_measures import iris_rings, true_measures
from weights.manifest import DEMO_FOLDER
from workers.chunk.analysis import analysed_face
from workers.face.scheme import WFLW98
from workers.face.tracking import FaceTracker
from workers.measures.layout import WFLW98_LAYOUT
from workers.session.backends import CPU
from workers.session.loading import load_models

SCRIPT = exercises(0.5)
RATE = 10


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    compiled = tmp_path_factory.mktemp("compiled")
    return load_models(DEMO_FOLDER, CPU, "star98", "openface3", compiled)


@pytest.mark.parametrize(("seed", "roll"), [(HELD_SEEDS[0], 0.0), (HELD_SEEDS[1], 15.0)])
def test_measures_from_pictures_are_near_the_truth(seed, roll, models):
    """The demo landmark model knows no irises: the phantom's own points stand in for them."""
    recording = Recording(seed=seed, roll=roll, rate=RATE, width=640, height=360)
    tracker = FaceTracker(models.seeker, models.verifier, models.landmarker)
    points, poses, rings, true = [], [], [], []
    for frame in frames(recording, SCRIPT):
        face = tracker.step(frame.index, frame.picture).face
        found = analysed_face(frame.picture, face, [face], WFLW98, "original")
        points.append(face.points)
        poses.append(found.pose.values())
        rings.append(iris_rings(pose_at(frame.time, recording), frame.activations))
        true.append(true_measures(frame.activations))
    angles, seen = np.array(poses), np.ones(len(points), np.bool_)
    faces = FilmedFaces(
        *(np.arange(len(points)) / RATE, seen, seen, angles[:, 0], angles[:, 1]),
        *(np.array(points, np.float32), np.array(rings, np.float32)),
        *(recording.width, recording.height),
    )
    measured = measured_recording(faces, WFLW98_LAYOUT)
    assert measured.ruler.unit == "mm"
    for name in true[0].of_sides:
        if name != "mouth_area":
            known = np.array([one.of_sides[name] for one in true])
            off = np.abs(measured.of_sides[name] - known)
            allowed = 3.0 if name == "smile_angle" else 1.0
            assert off.mean(axis=0).max() <= 0.5 * allowed, name
            assert (off <= allowed).mean() >= 0.95, name
            for exercise in SCRIPT:
                held = slice(*(round(time * RATE) for time in exercise.hold))
                told, truth = np.median(measured.of_sides[name][held], axis=0), known[held]
                assert np.abs(told - np.median(truth, axis=0)).max() <= allowed, exercise.name
    found = movements(measured)
    for exercise in SCRIPT[1:]:
        name = OWN_MEASURE[exercise.name]
        middle = (exercise.start + exercise.stop) / 2 * RATE
        (moved,) = (m for m in found if m.measure == name and m.start <= middle < m.stop)
        weak, strong = true_excursions(name, exercise.name)
        assert moved.stronger == "right", exercise.name
        assert moved.ratio == pytest.approx(weak / strong, abs=0.15), exercise.name


def table(outputs: Outputs, kind: str) -> list[dict[str, str]]:
    with (outputs.folder / f"{outputs.name}_{kind}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_writes_measures_and_movements_and_chunks_leave_no_trace(tmp_path):
    recording = replace(Recording(seed=HELD_SEEDS[0]), rate=5, width=480, height=270)
    film = tmp_path / "phantom.mp4"
    write_film(film, (frame.picture for frame in frames(recording, SCRIPT)), recording.rate)
    made = []
    for chunk in (20, 100):
        out = tmp_path / str(chunk)
        options = ("--weights", "demo", "--out", out, "--chunk-frames", chunk, "--rest", "0.2-1.8")
        done = facemirror("run", film, *options)
        assert done.returncode == 0, done.stderr
        made.append(Outputs(out / "phantom"))
    assert made[0].table_bytes() == made[1].table_bytes()
    rows, moved = table(made[0], "measures"), table(made[0], "movements")
    assert len(rows) == recording.count
    assert all(row["left_brow_height_icd"] for row in rows)
    assert {"brow_height", "eye_closure", "dental_show"} <= {row["measure"] for row in moved}
    told = made[0].run["measures"]
    assert told["ruler"]["unit"] == "icd"
    assert told["rest"]["frames"] == [1, 9]
    assert told["movements"] == len(moved)
    assert made[0].run["settings"]["rest"] == [0.2, 1.8]


def test_a_rest_without_a_face_fails_the_recording_with_its_reason(tmp_path):
    recording = Recording(seed=HELD_SEEDS[0], rate=5, seconds=1.0, width=480, height=270)
    film = tmp_path / "phantom.mp4"
    write_film(film, (frame.picture for frame in frames(recording, SCRIPT)), recording.rate)
    done = facemirror(
        "run", film, "--weights", "demo", "--out", tmp_path / "out", "--rest", "30-31"
    )
    assert done.returncode == 1
    assert "no face was measured between 30 and 31 s" in done.stderr
    assert facemirror("run", film, "--out", tmp_path, "--rest", "soon").returncode == 2
