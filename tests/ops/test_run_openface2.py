"""`facemirror run --aus openface2` on the phantom, from the command line to the files.

Its models are stand-ins; what OpenFace's own measure on a real face is in tests/upstream.
"""

import csv
import time

import numpy as np
import psutil
import pytest

from tests.faces import filmed
from tests.ops.command import facemirror, started
from tests.ops.outputs import Outputs
from tests.phantom_films import talking
from tests.recordings import Recipe, record

OPENFACES = (
    *("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14"),
    *("AU15", "AU17", "AU20", "AU23", "AU25", "AU26", "AU45"),
)


@pytest.fixture(scope="module")
def run(phantom_weights, tmp_path_factory):
    """Runs the command with OpenFace 2's AUs; returns the outputs of one recording."""

    def run_it(recording, *options):
        out = tmp_path_factory.mktemp("out")
        done = facemirror(
            *("run", recording, "--out", out, "--weights", phantom_weights),
            *("--aus", "openface2", *options),
        )
        assert done.returncode == 0, done.stderr
        return Outputs(out / recording.stem)

    return run_it


FRAMES = 80


@pytest.fixture(scope="module")
def shots():
    return talking(FRAMES)


@pytest.fixture(scope="module")
def film(shots, tmp_path_factory):
    return filmed(tmp_path_factory.mktemp("in") / "talking.mp4", shots)


@pytest.fixture(scope="module")
def whole(run, film):
    """All of the recording in one chunk."""
    return run(film, "--workers", 1, "--chunk-frames", 1000)


def original_rows(outputs: Outputs) -> list[dict[str, str]]:
    with (outputs.folder / f"{outputs.name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_seventeen_intensities_and_eighteen_presences_a_side(whole):
    for side in ("left", "right"):
        rows = whole.rows(side)
        assert len(rows) == FRAMES
        for au in OPENFACES:
            strengths = np.array([float(row[f"{au}_r"]) for row in rows])
            assert 0 <= strengths.min() <= strengths.max() <= 5
            assert strengths.max() > 0
        for au in (*OPENFACES, "AU28"):
            assert {row[f"{au}_c"] for row in rows} <= {"0", "1"}
        assert {row["AU16_r"] + row["AU16_c"] for row in rows} == {""}


def test_run_json_says_that_they_are_intensities(whole):
    record = whole.run
    assert record["settings"]["analysis"]["aus"] == "openface2"
    assert record["settings"]["analysis"]["landmarks"] == "clnf68"
    assert "intensity 0-5" in record["au_sources"]["AU12"]
    assert record["au_sources"]["AU28"] == "OpenFace 2's _c: presence, static SVM"
    (aus,) = (m for m in record["weights"] if m["name"] == "openface2_aus")
    assert aus["official"] is False
    assert record["weights_are_official"] is False


@pytest.mark.parametrize(("workers", "chunk_frames"), [(1, 50), (2, 30), (3, 37)])
def test_chunks_and_workers_change_not_one_byte(run, film, whole, workers, chunk_frames):
    made = run(film, "--workers", workers, "--chunk-frames", chunk_frames)
    assert len(made.run["chunks"]) > 1
    assert made.table_bytes() == whole.table_bytes()


def is_at_work(process: psutil.Process) -> bool:
    try:
        return not process.children() and process.cpu_times().user > 2
    except psutil.NoSuchProcess:
        return False


def test_a_worker_killed_at_work_changes_not_one_byte(film, whole, phantom_weights, tmp_path):
    process = started(
        *("run", film, "--out", tmp_path, "--weights", phantom_weights),
        *("--aus", "openface2", "--workers", 1, "--chunk-frames", 50),
        folder=tmp_path,
    )
    busiest = None
    while busiest is None and process.poll() is None:
        below = psutil.Process(process.pid).children(recursive=True)
        busiest = next(filter(is_at_work, below), None) or time.sleep(0.1)
    assert busiest is not None, process.communicate()[0]
    busiest.kill()
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said
    assert Outputs(tmp_path / "talking").table_bytes() == whole.table_bytes()


@pytest.fixture(scope="module")
def original(run, film):
    """The face as filmed."""
    return run(film, "--faces", "original")


def test_the_original_face_gives_one_table_in_openfaces_columns(original):
    assert sorted(path.name for path in original.folder.iterdir()) == [
        *("run.json", "talking.csv", "talking_landmarks.csv.gz"),
        *("talking_measures.csv", "talking_movements.csv"),
    ]
    rows = original_rows(original)
    assert len(rows) == FRAMES
    header = list(rows[0])
    assert [c.removesuffix("_r") for c in header if c.endswith("_r")] == list(OPENFACES)
    presences = [c.removesuffix("_c") for c in header if c.endswith("_c")]
    assert presences == sorted([*OPENFACES, "AU28"])


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


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_short_recordings(run, shots, tmp_path, frames):
    made = run(filmed(tmp_path / "short.mp4", shots[:frames]))
    for side in ("left", "right"):
        rows = made.rows(side)
        assert len(rows) == frames
        assert all(row["success"] == "1" and row["AU12_r"] for row in rows)


def test_two_people_give_one_row_a_frame(run, shots, tmp_path):
    people = [np.concatenate([one, other], axis=1) for one, other in zip(shots, shots, strict=True)]
    made = run(filmed(tmp_path / "people.mp4", people[:24]))
    assert made.run["counts"]["with_several_faces"] > 0
    for side in ("left", "right"):
        assert [int(row["frame"]) for row in made.rows(side)] == list(range(24))
        assert sum(row["success"] == "1" for row in made.rows(side)) > 12


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


def without(phantom_weights, missing, folder):
    for path in phantom_weights.iterdir():
        if path.name != missing:
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("missing", ["openface2_aus.zip", "clnf68.npz"])
def test_missing_models_are_wrong_use(missing, face_clip, phantom_weights, tmp_path):
    done = facemirror(
        *("run", face_clip, "--out", tmp_path / "out", "--aus", "openface2"),
        *("--weights", without(phantom_weights, missing, tmp_path)),
    )
    assert done.returncode == 2
    assert f"{missing} is missing: type 'facemirror weights fetch --aus openface2" in done.stderr
    assert ("--landmarks pfld68" in done.stderr) == (missing == "clnf68.npz")


def test_the_quick_landmarks_need_no_tracker(shots, phantom_weights, tmp_path):
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
            without(phantom_weights, "clnf68.npz", weights),
        ),
        *("--aus", "openface2", "--landmarks", "pfld68"),
    )
    assert done.returncode == 0, done.stderr
    made = Outputs(tmp_path / "quick")
    assert made.run["settings"]["analysis"]["landmarks"] == "pfld68"
    assert [row["success"] for row in made.rows("left")] == ["1"] * 6


def test_the_trackers_landmarks_serve_openface_3s_aus(shots, phantom_weights, tmp_path):
    clip = filmed(tmp_path / "both.mp4", shots[:6])
    done = facemirror(
        *("run", clip, "--out", tmp_path, "--weights", phantom_weights, "--landmarks", "clnf68")
    )
    assert done.returncode == 0, done.stderr
    rows = Outputs(tmp_path / "both").rows("left")
    assert [row["success"] for row in rows] == ["1"] * 6
    assert all(row["AU12_r"] and row["AU45_r"] for row in rows)
