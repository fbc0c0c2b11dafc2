"""A worker whose launcher is gone ends, also where it has never reached its broker."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from workers.process.configuration import Configuration
from workers.process.launcher import WorkerPost, worker_command, worker_environment


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
