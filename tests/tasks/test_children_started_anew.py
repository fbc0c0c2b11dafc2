"""Workers whose children are started anew instead of forked, as billiard does on macOS."""

from dataclasses import replace

import psutil
import pytest

from tests.ops.outputs import Outputs
from tests.tasks.lab import worker_parents
from workers.session.backends import SIMULATED_BACKEND

STARTED_ANEW = """
import sys

if "workers.process.celery_worker" in sys.orig_argv:
    import billiard

    billiard.set_start_method("spawn", force=True)
"""


@pytest.fixture(autouse=True)
def children_started_anew(tmp_path, monkeypatch):
    """Workers that begin now start their children anew, on every system."""
    folder = tmp_path / "python"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(STARTED_ANEW)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def is_started_anew(parent: psutil.Process) -> bool:
    """Whether a worker has a child that began with Python's start."""
    return any("billiard.spawn" in " ".join(child.cmdline()) for child in parent.children())


def test_a_recording_is_measured(lab, face_clip):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 1)
        assert all(map(is_started_anew, worker_parents("analyst-0") + worker_parents("files-0")))
        outcome = lab.wait(submission, workers)
    assert outcome.status == "done", outcome.reason
    assert Outputs(lab.out / face_clip.stem).run["counts"]["measured"] == 60


def test_what_a_stopped_worker_gives_back_is_no_death_in_a_simulated_session(lab, face_clip):
    """Its parent forgives what its child has begun: they know each other by one name."""
    slow = replace(lab.configuration, backend=SIMULATED_BACKEND, simulated_seconds=0.5)
    lab = replace(lab, configuration=slow)
    with lab.workers(1):
        submission = lab.submit(face_clip, provider="simulated")
        lab.wait_for_frames(submission, 1)
        assert submission.store.starts("0") == 1
    assert submission.store.starts("0") == 0, lab.log.read_text()[-3000:]
