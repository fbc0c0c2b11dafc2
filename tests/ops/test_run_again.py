"""`facemirror run` on what is finished already: kept, unless something differs or it is forced."""

import pytest

from tests.ops.command import facemirror
from tests.recordings import Recipe, record
from tests.stand_ins.weights_folders import write_own_models

KEPT = "nobody: 12 frames kept, finished before"
DONE = "nobody: 12 frames done"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs the command on one recording; returns what it says."""
    folder = tmp_path_factory.mktemp("again")
    recording = record(folder / "nobody.mp4", Recipe(frames=12))
    weights = write_own_models(folder / "weights")

    def run_it(out, *options):
        line = ("run", recording, "--out", out, "--weights", weights, "--workers", 1)
        done = facemirror(*line, *options)
        assert done.returncode == 0, done.stderr
        return done.stderr.splitlines()

    return run_it


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    """The outputs of a first run."""
    out = tmp_path_factory.mktemp("out")
    assert DONE in run(out)
    return out


def test_what_is_finished_is_kept_with_its_warnings(run, finished):
    record = finished / "nobody" / "run.json"
    before = record.stat()
    said = run(finished)
    assert KEPT in said
    assert "nobody: 12 of 12 frames have no face" in said
    assert record.stat().st_ino == before.st_ino


def test_force_does_it_anew(run, finished):
    record = finished / "nobody" / "run.json"
    before = record.stat()
    assert DONE in run(finished, "--force")
    assert record.stat().st_ino != before.st_ino


def test_a_provider_asked_for_by_name_keeps_only_its_own(run, finished):
    record = finished / "nobody" / "run.json"
    record.write_text(record.read_text().replace('"provider": "cpu"', '"provider": "coreml"'))
    assert KEPT in run(finished)
    assert DONE in run(finished, "--provider", "cpu")
