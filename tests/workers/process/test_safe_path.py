"""Nothing that is started imports modules of the folder that it is started in."""

from pathlib import Path

import pytest

from weights.manifest import DEMO_FOLDER
from workers.process.launcher import CELERY_WORKER, WorkerPost, worker_command
from workers.session.warm_up import warm_up_apart


@pytest.fixture
def strange_folder(tmp_path, monkeypatch) -> Path:
    for name in ("tasks", "workers", "weights", "ops", "celery"):
        (tmp_path / f"{name}.py").write_text('raise RuntimeError("somebody else\'s module")\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return tmp_path


def test_a_provider_is_tried_with_our_modules(strange_folder, tmp_path):
    assert warm_up_apart(DEMO_FOLDER, "cpu", "star98", "openface3", tmp_path) is None


def test_a_worker_starts_with_pythons_safe_path():
    assert worker_command(WorkerPost("facemirror", ("q",)))[1:4] == ["-P", "-m", CELERY_WORKER]
