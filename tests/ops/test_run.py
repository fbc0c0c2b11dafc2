"""`facemirror run` on a phantom's recording, from the command line to the files."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from tests.faces import filmed, pictures
from tests.ops.command import facemirror
from tests.ops.outputs import Outputs
from tests.phantom_films import talking
from workers.face.midline import midline_ends
from workers.face.scheme import WFLW98
from workers.video.reading.index import read_index


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs the command with the demo models; returns the outputs of one recording."""

    def run_it(recording, *options, weights="demo"):
        out = tmp_path_factory.mktemp("out")
        done = facemirror("run", recording, "--out", out, "--weights", weights, *options)
        assert done.returncode == 0, done.stderr
        return Outputs(out / recording.stem)

    return run_it


@pytest.fixture(scope="module")
def of_two_workers(run, face_clip):
    return run(face_clip, "--workers", 2, "--chunk-frames", 20, "--debug-video")


def test_every_frame_has_its_row_and_its_pictures_at_its_own_time(of_two_workers, face_clip):
    index = read_index(face_clip)
    times = [float((pts - index.pts[0]) * index.time_base) for pts in index.pts]
    for side in ("left", "right"):
        rows = of_two_workers.rows(side)
        assert [int(row["frame"]) for row in rows] == list(range(len(times)))
        np.testing.assert_allclose([float(r["timestamp"]) for r in rows], times, atol=1e-3)
        shown, _ = of_two_workers.video(f"{side}_mirrored")
        np.testing.assert_allclose(shown, times, atol=1e-3)
    assert len(of_two_workers.landmarks()) == len(times)
    assert len(of_two_workers.video("debug")[0]) == len(times)


def test_the_face_is_found_in_every_frame(of_two_workers):
    for side in ("left", "right"):
        assert {row["success"] for row in of_two_workers.rows(side)} == {"1"}


def test_run_json_says_where_the_numbers_come_from(of_two_workers, face_clip):
    run = of_two_workers.run
    assert run["recording"]["source"] == str(face_clip)
    assert run["provider"] == "cpu"
    assert run["weights_are_official"] is False
    assert {m["name"] for m in run["weights"]} == {
        "retinaface_frame",
        "retinaface_face",
        "star98",
        "mtl_aus",
    }
    assert run["counts"]["measured"] == run["counts"]["frames"] == 60
    assert run["counts"]["searched"] == 6
    stages = {"decode", "track", "mirror", "aus", "encode"}
    assert set(run["stage_seconds"]) == set(run["stage_cpu_seconds"]) == stages
    assert all(seconds > 0.0 for seconds in run["stage_cpu_seconds"].values())


def test_run_json_says_how_fast_the_frames_were_analysed(of_two_workers):
    timing = of_two_workers.run["timing"]
    assert timing["frames_per_s"] > 0.0
    written = (of_two_workers.folder / "run.json").stat().st_mtime
    assert written - 280 < timing["first_frame"] < timing["last_frame"] < written


def test_each_video_shows_one_half_twice(of_two_workers, face_clip):
    """Columns at equal distance from the (nearly upright) midline are alike in the mirrored face
    and unlike in the filmed one, and the kept half is the filmed one."""
    filmed_frame = pictures(face_clip, 1)[0].astype(float)
    points = of_two_workers.landmarks()[0]
    middle = midline_ends(points, WFLW98)[:, 0].mean()
    x1, x2 = (int(v) for v in (middle - 90, middle + 90))
    y1, y2 = (int(v) for v in (points[:, 1].min(), points[:, 1].max()))
    halves = {"left": slice(x1 + 100, x2), "right": slice(x1, x2 - 100)}
    for side, own in halves.items():
        shown = of_two_workers.video(f"{side}_mirrored")[1][0].astype(float)
        face, original = shown[y1:y2, x1:x2], filmed_frame[y1:y2, x1:x2]
        asymmetry = np.abs(face - face[:, ::-1]).mean()
        assert asymmetry < 0.5 * np.abs(original - original[:, ::-1]).mean()
        assert np.abs(shown[y1:y2, own] - filmed_frame[y1:y2, own]).mean() < 4
        other = halves["right" if side == "left" else "left"]
        assert np.abs(shown[y1:y2, other] - filmed_frame[y1:y2, other]).mean() > 8


def test_the_number_of_workers_changes_not_one_byte(run, of_two_workers, face_clip):
    for workers in (1, 3):
        other = run(face_clip, "--workers", workers, "--chunk-frames", 20)
        assert other.table_bytes() == of_two_workers.table_bytes()
        for kind in ("left_mirrored.mp4", "right_mirrored.mp4"):
            name = f"{face_clip.stem}_{kind}"
            assert (other.folder / name).read_bytes() == (of_two_workers.folder / name).read_bytes()


def test_the_size_of_chunks_changes_not_one_byte_of_a_table(run, of_two_workers, face_clip):
    for frames in (7, 60):
        other = run(face_clip, "--chunk-frames", frames)
        assert other.table_bytes() == of_two_workers.table_bytes()


def test_a_second_run_replaces_the_outputs_whole(face_clip, tmp_path):
    arguments = ("run", face_clip, "--weights", "demo")
    assert facemirror(*arguments, "--out", tmp_path, "--debug-video").returncode == 0
    folder = tmp_path / face_clip.stem
    (folder / "notes.txt").write_text("mine")
    before = Outputs(folder).table_bytes()
    assert facemirror(*arguments, "--out", tmp_path, "--au-labels", "face-mirror-1").returncode == 0
    after = Outputs(folder)
    assert after.run["settings"]["au_labels"] == "face-mirror-1"
    assert after.table_bytes() != before
    assert not (folder / f"{face_clip.stem}_debug.mp4").exists()
    assert (folder / "notes.txt").read_text() == "mine"
    assert not list(folder.glob(".*"))


def test_68_landmarks_run_the_whole_way(run, face_clip, phantom_weights):
    made = run(face_clip, "--landmarks", "pfld68", weights=phantom_weights)
    assert {row["success"] for row in made.rows("left")} == {"1"}
    assert made.landmarks().shape == (60, 68, 2)


@pytest.fixture(scope="module")
def shots():
    return talking(24)


@pytest.fixture(scope="module")
def plain(run, shots, tmp_path_factory):
    return run(filmed(tmp_path_factory.mktemp("in") / "plain.mp4", shots))


def nearly_the_same_face(a: Outputs, b: Outputs, shift=(0.0, 0.0)) -> None:
    np.testing.assert_allclose(a.landmarks(), b.landmarks() + shift, atol=3.0)


def test_a_variable_frame_rate_keeps_its_times(run, shots, plain, tmp_path):
    times = list(itertools.accumulate([40 + 30 * (n % 3) for n in range(len(shots))]))
    recording = filmed(
        tmp_path / "vfr.mp4", shots, pts=lambda n: times[n], time_base=Fraction(1, 1000)
    )
    made = run(recording)
    expected = [(t - times[0]) / 1000 for t in times]
    np.testing.assert_allclose(
        [float(r["timestamp"]) for r in made.rows("left")], expected, atol=1e-6
    )
    np.testing.assert_allclose(made.video("left_mirrored")[0], expected, atol=1e-3)
    nearly_the_same_face(made, plain)


def test_a_phones_rotation_is_applied(run, shots, plain, tmp_path):
    lying = [np.ascontiguousarray(np.rot90(shot)) for shot in shots]
    made = run(filmed(tmp_path / "phone.mp4", lying, rotation=-90))
    assert made.video("left_mirrored")[1][0].shape == shots[0].shape
    nearly_the_same_face(made, plain)
    assert made.run["recording"]["rotation"] == 90


def test_an_odd_width_comes_out_right(run, shots, plain, tmp_path):
    odd = [np.ascontiguousarray(shot[:, 1:]) for shot in shots]
    made = run(filmed(tmp_path / "odd.mp4", odd, pixels="yuv444p"))
    nearly_the_same_face(made, plain, shift=(-1.0, 0.0))
    assert made.video("left_mirrored")[1][0].shape == (480, 640, 3)


def test_b_frames_and_few_key_frames_come_out_in_order(run, shots, plain, tmp_path):
    options = {"crf": "12", "bf": "3", "g": "1000", "sc_threshold": "0"}
    recording = filmed(tmp_path / "reordered.mp4", shots, options=options)
    assert sum(read_index(recording).key_frames) == 1
    made = run(recording, "--chunk-frames", 8)
    assert len(made.run["chunks"]) > 1
    nearly_the_same_face(made, plain)


def test_flipping_a_mirror_image_gives_the_same_sides(run, shots, plain, tmp_path):
    selfie = [np.ascontiguousarray(shot[:, ::-1]) for shot in shots]
    made = run(filmed(tmp_path / "selfie.mp4", selfie), "--flip")
    nearly_the_same_face(made, plain)
    for side, other in (("left", "right"), ("right", "left")):
        near = np.nanmean(np.abs(made.aus(side) - plain.aus(side)))
        assert near < np.nanmean(np.abs(made.aus(side) - plain.aus(other)))
