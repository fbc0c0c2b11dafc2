"""`--fast` the whole way."""

import csv
import gzip

import numpy as np
import pytest

from tests.ops.command import facemirror
from tests.ops.film import write_film
from tests.ops.outputs import Outputs
from tests.phantom_films import RATE, talking

FRAMES = 73


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "talk.mp4"
    write_film(path, talking(FRAMES), RATE)
    return path


@pytest.fixture(scope="module")
def run(film, tmp_path_factory):
    def run_it(*options):
        out = tmp_path_factory.mktemp("out")
        done = facemirror("run", film, "--out", out, "--weights", "demo", *options)
        assert done.returncode == 0, done.stderr
        return Outputs(out / film.stem)

    return run_it


@pytest.fixture(scope="module")
def fast(run):
    return run("--fast", "--chunk-frames", 10, "--workers", 2)


def followed(outputs: Outputs) -> list[str]:
    packed = (outputs.folder / f"{outputs.name}_landmarks.csv.gz").read_bytes()
    return [row["followed"] for row in csv.DictReader(gzip.decompress(packed).decode().split("\n"))]


@pytest.mark.parametrize(("chunk_frames", "workers"), [(FRAMES, 1), (30, 2)])
def test_tables_are_the_same_bytes_for_every_chunk_size(fast, run, chunk_frames, workers):
    other = run("--fast", "--chunk-frames", chunk_frames, "--workers", workers)
    assert len(fast.run["chunks"]) > len(other.run["chunks"])
    assert other.table_bytes() == fast.table_bytes()


def test_chunk_borders_leave_no_trace_where_the_smoothing_looks_back(run):
    smoothed = ("--fast", "--smoothing", "face-mirror-1", "--chunk-frames")
    small, whole = run(*smoothed, 10), run(*smoothed, FRAMES)
    assert len(small.run["chunks"]) > len(whole.run["chunks"]) == 1
    assert small.table_bytes() == whole.table_bytes()


def test_every_frame_says_how_its_landmarks_were_obtained(fast):
    said = followed(fast)
    assert len(said) == FRAMES
    assert [said[anchor] for anchor in (*range(0, FRAMES, 10), FRAMES - 1)] == ["0"] * 9
    assert fast.run["counts"]["followed"] == said.count("1") > 0.3 * FRAMES
    assert fast.run["settings"]["analysis"]["fast"] is True


def test_the_numbers_are_those_of_looking_at_every_frame(fast, run):
    exact = run()
    assert exact.run["counts"]["followed"] == 0
    apart = np.linalg.norm(fast.landmarks() - exact.landmarks(), axis=2)
    assert 0.0 < apart.mean() < 1.0
    assert np.percentile(apart, 99) < 3.0
    scale = np.array([5.0 if au == "AU45" else 1.0 for au in aus_of(exact)])
    for side in ("left", "right"):
        difference = np.abs(fast.aus(side) - exact.aus(side)) / scale
        given = np.isfinite(difference).all(axis=0)
        assert given.sum() == 9
        assert difference[:, given].mean(axis=0).max() < 0.1


def aus_of(outputs: Outputs) -> list[str]:
    return [name.removesuffix("_r") for name in outputs.rows("left")[0] if name.endswith("_r")]


def test_without_it_nothing_is_said_of_following(run):
    with pytest.raises(KeyError):
        followed(run())


def test_finished_outputs_of_the_exact_way_are_not_taken_for_fast_ones(film, tmp_path):
    line = ("run", film, "--out", tmp_path, "--weights", "demo", "--chunk-frames", FRAMES)
    assert facemirror(*line).returncode == 0
    first = (tmp_path / "talk" / "run.json").read_bytes()
    assert facemirror(*line, "--fast").returncode == 0
    assert (tmp_path / "talk" / "run.json").read_bytes() != first


@pytest.mark.parametrize("landmarks", [("--landmarks", "clnf68"), ("--aus", "openface2")])
def test_openface_2s_tracker_is_not_made_fast(film, tmp_path, landmarks):
    done = facemirror("run", film, "--out", tmp_path, "--fast", *landmarks)
    assert done.returncode == 2
    assert "--fast is for star98 and pfld68" in done.stderr
