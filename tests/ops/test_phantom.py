"""The phantom through the whole pipeline: what is measured against what is true."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.measurement import (
    HELD_SEEDS,
    LEFT_FACTOR,
    Measurement,
    check_against_truth,
    true_aus,
)
from tests.ops.command import facemirror
from tests.ops.film import write_film, write_lossless_film
from tests.ops.outputs import Outputs
from weights.demo.appearance import Image
from weights.demo.exercises import (
    Recording,
    Script,
    exercises,
    frames,
    one_by_one,
    pose_at,
)
from weights.demo.face_shape import AUS, SIDES, Activations, SideActivations
from weights.demo.phantom import Appearance, FacePose, render
from weights.manifest import DEMO_FOLDER
from workers.aus.labels import COLUMNS

OWN_COLUMNS = [COLUMNS.index(au.upper()) for au in AUS]
FULL_SCALE = np.array([5.0 if au == "au45" else 1.0 for au in AUS])
STEADY = Recording(seed=HELD_SEEDS[0], rate=5, width=640, height=360)
TILTED_AND_SMALL = Recording(seed=HELD_SEEDS[1], rate=5, face=0.15, roll=25.0)
TILTED_AND_LARGE = replace(STEADY, seed=HELD_SEEDS[2], face=0.8, roll=-25.0)
EXERCISES = exercises(LEFT_FACTOR)


def analysed(film: Path, *options: object) -> Outputs:
    out = film.with_suffix("")
    done = facemirror("run", film, "--out", out, "--weights", "demo", *options)
    assert done.returncode == 0, done.stderr
    return Outputs(out / film.stem)


def columns(outputs: Outputs) -> np.ndarray:
    """The tables' own numbers, (frames, 2, 9), by SIDES and AUS."""
    return np.stack([outputs.aus(side)[:, OWN_COLUMNS] for side in SIDES], axis=1)


@dataclass(eq=False)
class Filmed:
    """A phantom's film, and what is true in each of its frames."""

    path: Path
    recording: Recording
    script: Script
    true: list[np.ndarray] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        write_film(self.path, self._pictures(), self.recording.rate)

    def _pictures(self) -> Iterator[Image]:
        for frame in frames(self.recording, self.script):
            self.true.append(true_aus(frame))
            self.points.append(frame.truth.points)
            yield frame.picture

    def measurement(self, outputs: Outputs) -> Measurement:
        return Measurement(
            self.recording,
            self.script,
            np.array(self.true),
            np.array(self.points),
            columns(outputs) / FULL_SCALE,
            outputs.landmarks(),
            outputs.poses(),
        )


@pytest.mark.parametrize("recording", [STEADY, TILTED_AND_SMALL, TILTED_AND_LARGE])
def test_a_held_phantom_is_measured_right(recording: Recording, tmp_path: Path) -> None:
    film = Filmed(tmp_path / "phantom.mp4", recording, EXERCISES)
    check_against_truth(film.measurement(analysed(film.path)))


def test_a_flipped_recording_gives_the_same_tables_with_sides_kept(tmp_path: Path) -> None:
    """Stored without loss, so that nothing but the flip differs."""
    recording = replace(STEADY, seconds=13.0)  # to the end of the smile
    pictures = [frame.picture for frame in frames(recording, EXERCISES)]
    write_lossless_film(tmp_path / "straight.mkv", pictures, recording.rate)
    write_lossless_film(tmp_path / "selfie.mkv", [p[:, ::-1] for p in pictures], recording.rate)
    straight = analysed(tmp_path / "straight.mkv")
    flipped = analysed(tmp_path / "selfie.mkv", "--flip")
    assert columns(straight)[:, :, AUS.index("au12")].max() > 0.9
    np.testing.assert_array_equal(columns(flipped), columns(straight))
    np.testing.assert_array_equal(flipped.landmarks(), straight.landmarks())


def test_an_au_of_one_side_moves_its_own_column_and_no_other(tmp_path: Path) -> None:
    script = one_by_one()
    recording = replace(STEADY, seed=HELD_SEEDS[1], seconds=script[-1].stop)
    film = Filmed(tmp_path / "phantom.mp4", recording, script)
    outputs = analysed(film.path)
    measured, numbers = film.measurement(outputs), columns(outputs)
    at_rest = numbers[~measured.true.any(axis=(1, 2))].mean(axis=0)
    for exercise in script:
        moved = numbers[measured.held(exercise)].mean(axis=0) - at_rest
        side, au = exercise.name.split()
        own = [str(s) for s in SIDES].index(side), AUS.index(au)
        assert moved[own] > 0.7 * FULL_SCALE[own[1]], (exercise.name, moved[own])
        moved[own] = 0.0
        other = np.unravel_index(np.abs(moved).argmax(), moved.shape)
        assert abs(moved[other]) <= 0.2, (exercise.name, SIDES[other[0]], AUS[other[1]])


def test_every_frame_keeps_its_own_row_and_pictures(tmp_path: Path) -> None:
    """Eyes and lips of each side open and shut at random, otherwise than in the frames around."""
    draw, look = np.random.default_rng(6), Appearance.from_seed(HELD_SEEDS[0])
    poses = [(a, b) for a in (0.0, 1.0) for b in (0.0, 1.0)]
    order = [0]
    while len(order) < 80:
        order.append((order[-1] + int(draw.integers(1, 4))) % 4)
    pictures = [
        render(
            FacePose(320.0, 240.0, 300.0),
            Activations(
                left=SideActivations(au45=left, au25=1.0 - left),
                right=SideActivations(au45=right, au25=1.0 - right),
            ),
            look,
            *(640, 480),
        )
        for left, right in poses
    ]
    film = tmp_path / "phantom.mp4"
    write_film(film, (pictures[pose] for pose in order), 30)
    outputs = analysed(film, "--chunk-frames", 20, "--workers", 2)
    assert outputs.run["counts"]["frames"] == len(order)
    shut = np.array([poses[pose] for pose in order]) > 0.5
    numbers = columns(outputs)
    np.testing.assert_array_equal(numbers[:, :, AUS.index("au45")] > 2.5, shut)
    np.testing.assert_array_equal(numbers[:, :, AUS.index("au25")] < 0.5, shut)
    halves = {"left": np.s_[90:390, 330:470], "right": np.s_[90:390, 170:310]}
    for s, side in enumerate(SIDES):
        _, shown = outputs.video(f"{side}_mirrored")
        eyes_open, eyes_shut = pictures[0][halves[side]], pictures[3][halves[side]]
        for picture, is_shut in zip(shown, shut[:, s], strict=True):
            kept = picture[halves[side]]
            to_open, to_shut = (cv2.absdiff(kept, one).mean() for one in (eyes_open, eyes_shut))
            assert (to_shut < to_open) == is_shut


def test_a_moving_phantoms_tables_follow_its_face_and_not_its_head(tmp_path: Path) -> None:
    """It walks, tilts, turns and nods; chunks leave no trace; the old rule is there by name."""
    moving = Recording(
        seed=HELD_SEEDS[2],
        width=640,
        height=360,
        rate=10,
        seconds=9.0,
        **{"walk": 0.03, "tilting": 10.0, "turn": 6.0, "nod": 6.0},
    )
    film = Filmed(tmp_path / "walk.mp4", moving, exercises(left_factor=1.0))
    whole = analysed(film.path, "--workers", 2)
    measured = film.measurement(whole)
    apart = np.abs(measured.aus[:, 0] - measured.aus[:, 1])
    assert apart.mean() < 0.05
    true = np.array([pose_at(i / 10, moving) for i in range(moving.count)])
    angles = np.array([[pose.yaw, pose.pitch, pose.roll] for pose in true])
    assert np.abs(measured.poses - angles).max() < 3.0
    assert whole.run["head_pose"]["turned"] == 0
    assert whole.run["settings"]["analysis"]["smoothing"] == "none"

    (tmp_path / "again").mkdir()
    film.path.rename(tmp_path / "again" / "walk.mp4")
    again = tmp_path / "again" / "walk.mp4"
    small = analysed(again, "--chunk-frames", 20)
    assert small.table_bytes() == whole.table_bytes()
    old = analysed(again, "--chunk-frames", 20, "--smoothing", "face-mirror-1")
    assert old.run["settings"]["analysis"]["smoothing"] == "face-mirror-1"
    lagging = columns(old) / FULL_SCALE
    assert np.abs(lagging[:, 0] - lagging[:, 1]).mean() > 2 * apart.mean()
    np.testing.assert_array_equal(old.landmarks(), whole.landmarks())


def test_demo_weights_are_refused_unless_asked_for(tmp_path):
    film = tmp_path / "anybody.mp4"
    film.touch()
    done = facemirror("run", film, "--out", tmp_path / "out", "--weights", DEMO_FOLDER)
    assert done.returncode == 2
    assert "demo weights" in done.stderr
    assert "--weights demo" in done.stderr
