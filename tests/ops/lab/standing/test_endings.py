"""How the standing commands end when a service manager, or a person, tells them to."""

import configparser
import signal
import time

import psutil
import pytest

from ops.lab.place import SERVER_KEY
from tasks.store import RecordingStore
from tasks.studies import recording_id
from tests.ops.lab.page import code_blocks
from tests.ops.one_machine_lab import wait_until
from tests.recordings import Recipe, record

SIMULATED = ("--provider", "simulated")


@pytest.mark.parametrize(("how", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_server_that_is_told_to_end_leaves_nothing(how, status, lab):
    server = lab.start("server", "server")
    wait_until(lambda: " ready." in lab.log("server").read_text(), 60, lab.logs)
    processes = psutil.Process(server.pid).children(recursive=True)
    assert processes
    server.send_signal(how)
    assert server.wait(60) == status
    assert "stopped; finished recordings are kept" in lab.log("server").read_text()
    assert "Traceback" not in lab.log("server").read_text()
    assert not psutil.wait_procs(processes, timeout=10)[1]
    assert not lab.client.exists(SERVER_KEY)


def test_a_worker_that_must_not_finish_its_chunk_ends_with_the_second_sigterm_simulated(
    lab, tmp_path
):
    recording = record(tmp_path / "a.mp4", Recipe(frames=20))
    lab.start("server", "server")
    slow = ("--simulated-seconds", 60, "--workers", 1)
    worker = lab.start("worker", "worker", *SIMULATED, *slow)
    study = lab.submit(recording, "--out", tmp_path / "out", *SIMULATED)
    wait_until(lambda: lab.look(study)["chunks"]["running"], 60, lab.logs)
    worker.terminate()
    time.sleep(2)
    assert worker.poll() is None  # it finishes its chunk
    worker.terminate()
    assert worker.wait(60) == 0, lab.logs()
    assert RecordingStore(lab.client, recording_id(study, 1)).starts("0") == 0  # it did not die


def test_the_pages_service_tells_the_command_alone_and_waits_as_long_as_containers_do():
    (unit,) = (text for text in code_blocks("By hand") if text.startswith("[Unit]"))
    service = configparser.ConfigParser()
    service.optionxform = str  # type: ignore[assignment,method-assign]
    service.read_string(unit)
    assert service["Service"]["KillMode"] == "mixed"
    assert service["Service"]["ExecStart"].endswith("facemirror server")
    assert int(service["Service"]["TimeoutStopSec"]) >= 600
