"""Nothing that is started imports modules of the folder that it is started in."""

from pathlib import Path

import pytest

from weights.manifest import DEMO_FOLDER
from workers.process.launcher import CELERY_WORKER, WorkerPost, worker_command
from workers.session.backends import CPU
from workers.session.needed_models import check_weights
from workers.session.trial.attempt import AttemptRequest
from workers.session.trial.watched import watched_attempt


@pytest.fixture
def strange_folder(tmp_path, monkeypatch) -> Path:
    for name in ("tasks", "workers", "weights", "ops", "celery"):
        (tmp_path / f"{name}.py").write_text('raise RuntimeError("somebody else\'s module")\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return tmp_path


def test_a_backend_is_tried_with_our_modules(strange_folder, tmp_path):
    request = AttemptRequest(
        weights=str(DEMO_FOLDER),
        networks=check_weights(DEMO_FOLDER, "star98"),
        backend=CPU,
        compiled=str(tmp_path / "compiled"),
        answers=str(tmp_path / "answers.npz"),
        reference=True,
    )
    assert watched_attempt(request).why_not == ""


def test_a_worker_starts_with_pythons_safe_path():
    assert worker_command(WorkerPost("facemirror", ("q",)))[1:4] == ["-P", "-m", CELERY_WORKER]
