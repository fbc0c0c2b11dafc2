"""`facemirror run --aus openface2` on real recordings, from the command line to the files."""

import csv
import time

import cv2
import numpy as np
import psutil
import pytest

from tests.faces import filmed, pictures
from tests.ops.command import facemirror, started
from tests.ops.outputs import Outputs
from tests.recordings import Recipe, record
from tests.shared import shared

OPENFACES = (
    *("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14"),
    *("AU15", "AU17", "AU20", "AU23", "AU25", "AU26", "AU45"),
)


@pytest.fixture(scope="module")
def run(weights_folder, tmp_path_factory):
    """Runs the command with OpenFace 2's AUs; returns the outputs of one recording."""

    def run_it(recording, *options):
        out = tmp_path_factory.mktemp("out")
        done = facemirror(
            *("run", recording, "--out", out, "--weights", weights_folder),
            *("--aus", "openface2", *options),
        )
        assert done.returncode == 0, done.stderr
        return Outputs(out / recording.stem)

    return run_it


@pytest.fixture(scope="module")
def whole(run):
    """All of a real recording, 288 frames in one chunk."""
    return run(shared("media", "default.wmv"), "--workers", 1, "--chunk-frames", 1000)


@pytest.fixture(scope="module")
def shots():
    return pictures(shared("media", "default.wmv"), 30)


def original_rows(outputs: Outputs) -> list[dict[str, str]]:
    with (outputs.folder / f"{outputs.name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_seventeen_intensities_and_eighteen_presences_a_side(whole):
    for side in ("left", "right"):
        rows = whole.rows(side)
        assert len(rows) == 288
        for au in OPENFACES:
            strengths = np.array([float(row[f"{au}_r"]) for row in rows])
            assert 0 <= strengths.min() <= strengths.max() <= 5
            assert strengths.max() > 0
        for au in (*OPENFACES, "AU28"):
            assert {row[f"{au}_c"] for row in rows} <= {"0", "1"}
        assert {row["AU16_r"] + row["AU16_c"] for row in rows} == {""}


def test_the_sides_differ_as_a_face_does_but_tell_of_the_same_smile(whole):
    sides = [np.array([float(r["AU12_r"]) for r in whole.rows(s)]) for s in ("left", "right")]
    assert np.corrcoef(*sides)[0, 1] > 0.8
    assert np.abs(sides[0] - sides[1]).mean() > 0.01


def test_run_json_says_that_they_are_intensities(whole):
    record = whole.run
    assert record["settings"]["analysis"]["aus"] == "openface2"
    assert record["settings"]["analysis"]["landmarks"] == "clnf68"
    assert "intensity 0-5" in record["au_sources"]["AU12"]
    assert record["au_sources"]["AU28"] == "OpenFace 2's _c: presence, static SVM"
    (aus,) = (m for m in record["weights"] if m["name"] == "openface2_aus")
    assert aus["official"] is True
    assert record["weights_are_official"] is True


@pytest.mark.parametrize(("workers", "chunk_frames"), [(1, 50), (2, 100), (3, 100), (3, 37)])
def test_chunks_and_workers_change_not_one_byte(run, whole, workers, chunk_frames):
    source = shared("media", "default.wmv")
    made = run(source, "--workers", workers, "--chunk-frames", chunk_frames)
    assert len(made.run["chunks"]) > 1
    assert made.table_bytes() == whole.table_bytes()


def test_a_worker_killed_at_work_changes_not_one_byte(whole, weights_folder, tmp_path):
    process = started(
        *("run", shared("media", "default.wmv"), "--out", tmp_path, "--weights", weights_folder),
        *("--aus", "openface2", "--workers", 2, "--chunk-frames", 50),
        folder=tmp_path,
    )
    busiest = None
    while busiest is None and process.poll() is None:
        below = psutil.Process(process.pid).children(recursive=True)
        at_work = [p for p in below if not p.children() and p.cpu_times().user > 5]
        busiest = at_work[0] if at_work else time.sleep(0.1)
    assert busiest is not None, process.communicate()[0]
    busiest.kill()
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said
    assert Outputs(tmp_path / "default").table_bytes() == whole.table_bytes()


@pytest.fixture(scope="module")
def original(run):
    """The face as filmed."""
    return run(shared("media", "default.wmv"), "--faces", "original")


def test_the_original_face_gives_one_table_in_openfaces_columns(original):
    assert sorted(path.name for path in original.folder.iterdir()) == [
        *("default.csv", "default_landmarks.csv.gz", "default_measures.csv"),
        *("default_movements.csv", "run.json"),
    ]
    rows = original_rows(original)
    assert len(rows) == 288
    header = list(rows[0])
    assert [c.removesuffix("_r") for c in header if c.endswith("_r")] == list(OPENFACES)
    presences = [c.removesuffix("_c") for c in header if c.endswith("_c")]
    assert presences == sorted([*OPENFACES, "AU28"])


def test_clinical_measures_of_a_talking_person(original):
    """Irises of 18 px; it blinks three times. The tracker leaves the lids of shut eyes apart."""
    told = original.run["measures"]
    assert told["ruler"]["unit"] == "mm"
    assert told["ruler"]["spread"] <= 0.05
    assert told["ruler"]["frames"] > 250
    assert any("the pupils are 49 mm apart" in warning for warning in original.run["warnings"])
    noise = told["rest"]["noise"]
    for side in ("left", "right"):
        for name in (
            *("commissure_excursion", "palpebral_fissure_height"),
            *("marginal_reflex_distance_1", "marginal_reflex_distance_2"),
        ):
            assert noise[f"{side}_{name}_mm"] < 0.3
    with (original.folder / "default_measures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 288
    assert {row["empty_because"] for row in rows} == {""}
    fissure = np.array([float(row["left_palpebral_fissure_height_mm"]) for row in rows])
    for blink in (19, 250, 282):
        assert fissure[blink] < 0.65 * np.median(fissure)
        assert rows[blink]["left_iris_inferred"] == "1"
    assert fissure[[14, 24]].min() > 0.95 * np.median(fissure)


def test_from_pixels_it_agrees_with_openface(original):
    """As closely as OpenFace agrees with itself from landmarks less than 1 px off."""
    golden = np.load(shared("openface2", "golden", "default_own_raw.npz"))
    shaken = np.load(shared("openface2", "golden", "default_jitter_raw.npz"))
    names = [str(name) for name in golden["au_r_names"]]
    rows = original_rows(original)
    ours = np.array([[float(row[f"{name}_r"]) for name in names] for row in rows])
    theirs = golden["au_r"]
    found = [np.corrcoef(ours[:, i], theirs[:, i])[0, 1] for i in range(len(names))]
    assert np.median(found) >= 0.995
    assert np.min(found) >= 0.98
    assert np.abs(ours - theirs).mean() <= 2 * np.abs(shaken["au_r"] - theirs).mean()
    agreeing = [
        np.mean([int(row[f"{name}_c"]) for row in rows] == golden["au_c"][:, i])
        for i, name in enumerate(str(name) for name in golden["au_c_names"])
    ]
    assert np.mean(agreeing) >= 0.98


def test_the_trackers_shape_and_place_stand_in_the_tables(original):
    """With OpenFace's own names; certainty, pose and shape are what its program says."""
    golden = np.load(shared("openface2", "landmarks", "golden", "default_continuous.npz"))
    rows = original_rows(original)

    def column(name):
        return np.array([float(row[name]) for row in rows])

    assert np.median(np.abs(column("confidence") - golden["confidence"])) < 1e-3
    assert {row["success"] for row in rows} == {"1"}
    for i, name in enumerate(("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty")):
        apart = np.abs(column(name) - golden["params_global"][:, i])
        assert np.median(apart) < 0.02, name
    points = np.stack(
        [np.stack([column(f"{axis}_{i}") for axis in "xy"], axis=1) for i in range(68)], axis=1
    )
    apart = np.linalg.norm(points - golden["landmarks"], axis=2)
    assert np.median(apart) < 0.05
    # By its guess of the camera (a focal length of 500 px at 640 x 480) the face is near a desk.
    assert 300 < np.median(column("pose_Tz")) < 1500
    assert np.abs(column("pose_Rz") - golden["params_global"][:, 3]).max() < 0.1


def test_original_and_mirrored_faces_tell_of_the_same_smile(original, whole):
    filmed_face = np.array([float(row["AU12_r"]) for row in original_rows(original)])
    for side in ("left", "right"):
        mirrored = np.array([float(row["AU12_r"]) for row in whole.rows(side)])
        assert np.corrcoef(filmed_face, mirrored)[0, 1] > 0.8


def test_a_recording_with_nobody_in_it_has_rows_of_zeros(run, tmp_path):
    made = run(record(tmp_path / "nobody.mp4", Recipe(frames=12)))
    for side in ("left", "right"):
        rows = made.rows(side)
        assert len(rows) == 12
        assert {row["success"] for row in rows} == {"0"}
        assert {row["AU12_r"] for row in rows} == {"0.0000"}
        assert {row["AU12_c"] for row in rows} == {"0"}


def test_a_face_that_leaves_and_comes_back(run, shots, tmp_path):
    gone = [np.zeros_like(shots[0])] * 10
    made = run(filmed(tmp_path / "leaves.mp4", [*shots[:12], *gone, *shots[12:24]]))
    for side in ("left", "right"):
        rows = made.rows(side)
        assert len(rows) == 34
        assert [row["success"] for row in rows] == ["1"] * 12 + ["0"] * 10 + ["1"] * 12
        lost = [[float(row[f"{au}_r"]) for au in OPENFACES] for row in rows[12:22]]
        assert not np.any(lost[1:-1])
        # Averaged over three frames, of which one has a face.
        beside = [[float(rows[i][f"{au}_r"]) for au in OPENFACES] for i in (11, 12)]
        assert np.any(beside[1])


def test_after_a_cut_the_other_face_is_followed_in_the_same_frame(run, shots, tmp_path):
    """Where both landmarkers see a face, it is the same one."""
    others = pictures(shared("media", "multi_face.avi"), 21)
    scenes = [shots[:7], others[:7], shots[7:14], others[7:14], shots[14:21], others[14:21]]
    clip = filmed(tmp_path / "cuts.mp4", [shot for scene in scenes for shot in scene])
    followed = run(clip, "--faces", "original").landmarks()
    quick = run(clip, "--faces", "original", "--landmarks", "pfld68").landmarks()
    width = np.linalg.norm(quick[:, 16] - quick[:, 0], axis=1)
    apart = np.linalg.norm(followed - quick, axis=2).mean(axis=1) / width
    assert np.isfinite(followed).all()
    assert apart.max() < 0.08


@pytest.mark.parametrize(("width", "height"), [(176, 144), (3840, 2160)])
def test_small_and_large_pictures(run, shots, tmp_path, width, height):
    """The smallest have faces that the parts are too fine for."""
    resized = [cv2.resize(shot, (width, height), interpolation=cv2.INTER_AREA) for shot in shots]
    made = run(filmed(tmp_path / "sized.mp4", resized[:4]))
    assert [row["success"] for row in made.rows("left")] == ["1"] * 4
    original = run(filmed(tmp_path / "as_it_was.mp4", shots[:4])).landmarks()
    stretch = np.array([width / shots[0].shape[1], height / shots[0].shape[0]])
    face = np.ptp(original[:, :17, 0], axis=1)
    apart = np.linalg.norm(made.landmarks() / stretch - original, axis=2).mean(axis=1)
    assert (apart / face).max() < 0.03


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_short_recordings(run, shots, tmp_path, frames):
    made = run(filmed(tmp_path / "short.mp4", shots[:frames]))
    for side in ("left", "right"):
        rows = made.rows(side)
        assert len(rows) == frames
        assert all(row["success"] == "1" and row["AU12_r"] for row in rows)


def test_two_people_give_one_row_a_frame(run, tmp_path):
    people = pictures(shared("media", "multi_face.avi"), 60)
    made = run(filmed(tmp_path / "people.mp4", people))
    assert made.run["counts"]["with_several_faces"] > 0
    for side in ("left", "right"):
        assert [int(row["frame"]) for row in made.rows(side)] == list(range(60))
        assert sum(row["success"] == "1" for row in made.rows(side)) > 30


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--aus", "openface2", "--landmarks", "star98"), "--aus openface2 needs 68 points"),
        (("--faces", "original"), "--faces original needs --aus openface2"),
    ],
)
def test_what_does_not_go_together_is_wrong_use(options, said, face_clip, tmp_path):
    done = facemirror("run", face_clip, "--out", tmp_path / "out", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def without(weights_folder, missing, folder):
    for path in weights_folder.iterdir():
        if path.name != missing:
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("missing", ["openface2_aus.zip", "clnf68.npz"])
def test_missing_models_are_wrong_use(missing, face_clip, weights_folder, tmp_path):
    done = facemirror(
        *("run", face_clip, "--out", tmp_path / "out", "--aus", "openface2"),
        *("--weights", without(weights_folder, missing, tmp_path)),
    )
    assert done.returncode == 2
    assert f"{missing} is missing: type 'facemirror weights fetch --aus openface2" in done.stderr
    assert ("--landmarks pfld68" in done.stderr) == (missing == "clnf68.npz")


def test_the_quick_landmarks_need_no_tracker(shots, weights_folder, tmp_path):
    clip = filmed(tmp_path / "quick.mp4", shots[:6])
    weights = tmp_path / "weights"
    weights.mkdir()
    done = facemirror(
        *(
            "run",
            clip,
            "--out",
            tmp_path,
            "--weights",
            without(weights_folder, "clnf68.npz", weights),
        ),
        *("--aus", "openface2", "--landmarks", "pfld68"),
    )
    assert done.returncode == 0, done.stderr
    made = Outputs(tmp_path / "quick")
    assert made.run["settings"]["analysis"]["landmarks"] == "pfld68"
    assert [row["success"] for row in made.rows("left")] == ["1"] * 6


def test_the_trackers_landmarks_serve_openface_3s_aus(shots, weights_folder, tmp_path):
    clip = filmed(tmp_path / "both.mp4", shots[:6])
    done = facemirror(
        *("run", clip, "--out", tmp_path, "--weights", weights_folder, "--landmarks", "clnf68")
    )
    assert done.returncode == 0, done.stderr
    rows = Outputs(tmp_path / "both").rows("left")
    assert [row["success"] for row in rows] == ["1"] * 6
    assert all(row["AU12_r"] and row["AU45_r"] for row in rows)
