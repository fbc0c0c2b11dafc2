"""The phantom through the whole pipeline: what is measured against what is true."""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from weights.demo.exercises import Recording, Script, exercises, frames
from weights.demo.face_shape import AUS, SIDES
from weights.manifest import DEMO_FOLDER
from workers.aus.labels import COLUMNS
from workers.video.encoding import SegmentEncoder
from workers.video.joining import join_segments

LEFT_FACTOR = 0.5
HELD_SEED = 90001  # of a look that training never saw
TEN_A_SECOND = Recording(seed=HELD_SEED, rate=10)


class Filmed:
    """A phantom's recording, what is true in it, and what the pipeline measured."""

    def __init__(self, folder, recording: Recording, script: Script) -> None:
        self.recording, self.script = recording, script
        self.true = {side: {au: [] for au in AUS} for side in SIDES}
        self.points = []
        encoder = SegmentEncoder(recording.width, recording.height, Fraction(1, recording.rate))
        for frame in frames(recording, script):
            encoder.write(frame.picture, frame.index)
            self.points.append(frame.truth.points)
            for side in SIDES:
                for au in AUS:
                    self.true[side][au].append(getattr(getattr(frame.activations, side), au))
        film = folder / "phantom.mp4"
        join_segments([encoder.finish()], film, Fraction(1, recording.rate))
        done = facemirror("run", film, "--out", folder, "--weights", "demo")
        assert done.returncode == 0, done.stderr
        self.outputs = Outputs(folder / "phantom")

    def measured(self, side: str) -> dict[str, np.ndarray]:
        """(frames,) for each AU, 0 to 1."""
        table = self.outputs.aus(side)
        found = {au: table[:, COLUMNS.index(au.upper())] for au in AUS}
        return {**found, "au45": found["au45"] / 5}

    def held(self, exercise) -> slice:
        """The frames in which an exercise is held."""
        start, stop = (round(time * self.recording.rate) for time in exercise.hold)
        return slice(start, stop)


def check_against_truth(filmed: Filmed) -> None:
    """Landmarks, detection, time courses and the paretic side."""
    assert {row["success"] for row in filmed.outputs.rows("left")} == {"1"}
    found, true = filmed.outputs.landmarks(), np.array(filmed.points)
    eyes = np.linalg.norm(true[:, 60:68].mean(1) - true[:, 68:76].mean(1), axis=1)
    error = np.linalg.norm(found - true, axis=2).mean(1) / eyes
    assert error.mean() <= 0.03
    courses = {side: filmed.measured(side) for side in SIDES}
    for side in SIDES:
        for au in AUS:
            agreement = np.corrcoef(courses[side][au], filmed.true[side][au])[0, 1]
            assert agreement >= 0.9, (side, au, agreement)
    for exercise in filmed.script[1:]:
        driven = [au for au in AUS if getattr(exercise.peak.right, au) > 0]
        sums = {
            side: sum(courses[side][au][filmed.held(exercise)].mean() for au in driven)
            for side in SIDES
        }
        assert abs(sums["left"] / sums["right"] - LEFT_FACTOR) <= 0.15, (exercise.name, sums)


def test_a_held_phantom_is_measured_right(tmp_path):
    check_against_truth(Filmed(tmp_path, TEN_A_SECOND, exercises(LEFT_FACTOR)))


def test_a_head_on_one_side_is_measured_right(tmp_path):
    tilted = replace(TEN_A_SECOND, roll=-25, sway=0.0)
    check_against_truth(Filmed(tmp_path, tilted, exercises(LEFT_FACTOR)))


def test_demo_weights_are_refused_unless_asked_for(tmp_path):
    film = tmp_path / "anybody.mp4"
    film.touch()
    done = facemirror("run", film, "--out", tmp_path / "out", "--weights", DEMO_FOLDER)
    assert done.returncode == 2
    assert "demo weights" in done.stderr
    assert "--weights demo" in done.stderr


def test_the_demo_says_that_it_is_one_and_shows_true_beside_measured(tmp_path):
    done = facemirror("demo", "--out", tmp_path, "--left", 0.3, "--workers", 2)
    assert done.returncode == 0, done.stderr
    said = done.stderr
    assert "DEMO weights" in said
    assert "on provider 'cpu'" in said
    lines = [line for line in said.splitlines() if "AU12" in line]
    left_true, left, right_true, right = (float(v) for v in lines[0].split("│")[3:7])
    assert (left_true, right_true) == (0.3, 1.0)
    assert abs(left / right - 0.3) < 0.15
    run = Outputs(tmp_path / "phantom").run
    assert run["warnings"][0].startswith("DEMO")
    assert all(model["demo"] for model in run["weights"])
