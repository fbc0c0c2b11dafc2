"""Workers end when they are told to, and when their launcher is gone."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil

from workers.process.configuration import Configuration
from workers.process.launcher import (
    CELERY_WORKER,
    WorkerPost,
    Workers,
    worker_command,
    worker_environment,
)


def test_ended_groups_that_macos_permits_no_signal_to_stop_nothing_simulated(tmp_path, monkeypatch):
    """macOS answers so where all of a group have ended and wait to be collected."""
    nowhere = replace(Configuration.from_environment(), broker="redis://127.0.0.1:1/0")

    def not_permitted(_group, _signal):
        raise PermissionError(1, "Operation not permitted")

    with Workers([WorkerPost("ended", ("a-queue",))], nowhere, tmp_path / "log") as workers:
        (worker,) = (
            child for child in psutil.Process().children() if CELERY_WORKER in child.cmdline()
        )
        worker.kill()
        monkeypatch.setattr(os, "killpg", not_permitted)
        psutil.wait_procs([worker], 10)
        workers.tend()
        monkeypatch.undo()


def test_a_worker_that_waits_for_its_broker_ends_with_its_launcher(tmp_path):
    launcher = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    configuration = replace(
        Configuration.from_environment(), broker="redis://127.0.0.1:1/0", launcher=launcher.pid
    )
    with (tmp_path / "worker.log").open("wb") as written:
        worker = subprocess.Popen(
            worker_command(WorkerPost("waiting", ("a-queue",))),
            env=worker_environment(configuration),
            cwd=Path(__file__).parents[3],
            stdout=written,
            stderr=written,
        )
    try:
        launcher.communicate(b"\n")  # it is gone
        assert worker.wait(60) == 1
    finally:
        worker.kill()
        worker.wait()
