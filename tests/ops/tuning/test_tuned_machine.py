"""A lab's worker and the doctor on a machine that was tuned."""

import json

import pytest

from ops.tuning.kept_choice import Choice, Circumstances, keep
from weights.manifest import DEMO_FOLDER
from workers.process.arithmetic import arithmetic
from workers.session.backends import CPU
from workers.session.needed_models import check_weights

FOUND = "3 workers, as 'facemirror tune' found on 2026-03-01"
CHOICE = Choice(
    processes=3, frames_per_s={3: 40.1}, width=640, height=480, date="2026-03-01T10:00:00+00:00"
)


@pytest.fixture
def tuned(lab, monkeypatch):
    """The lab's machine, on which three workers with the demo models were the fastest."""
    here = {"HOME": str(lab.folder), "XDG_CONFIG_HOME": str(lab.folder / "config")}
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    lab.environment |= here
    models = check_weights(DEMO_FOLDER, "star98", "openface3")
    keep(CHOICE, Circumstances.here(arithmetic(CPU), models, "star98", "openface3"))
    return lab


def test_a_worker_starts_as_many_processes_as_were_found(tuned):
    tuned.start("worker", "worker", "--name", "mac-3")
    tuned.wait_for_workers(3)
    said = " ".join(tuned.log("worker").read_text().split())
    assert "facemirror@mac-3, facemirror-2@mac-3, facemirror-3@mac-3 on provider 'cpu'" in said
    assert ", as 'facemirror tune' found on 2026-03-01, for redis://" in said


def test_the_doctor_says_how_many_workers_were_found(tuned):
    done = tuned.run("doctor", "--json")
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    assert [service["workers"] for service in services] == [FOUND, FOUND]
