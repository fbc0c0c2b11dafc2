"""Outages of Redis while a chunk is in hand: none of them is a death of its worker."""

import time

from tasks.analyze import STARTS
from tests.ops.one_machine_lab import end, wait_until
from tests.recordings import Recipe, record

SIMULATED = ("--provider", "simulated")
FRAMES, SECONDS_A_FRAME = 25, 0.4


def submitted(lab, folder) -> str:
    """The id of a study's recording, which is one chunk."""
    recording = record(folder / "smile.mp4", Recipe(frames=FRAMES))
    study = lab.submit(recording, "--out", folder / "out", *SIMULATED, "--name", "outages")
    return f"{study}.00001"


def start_worker(lab):
    speed = ("--simulated-seconds", SECONDS_A_FRAME, "--workers", 1)
    return lab.start("worker", "worker", *SIMULATED, *speed, "--name", "mac-1")


def wait_until_begun(lab, recording) -> None:
    """Until a worker has the chunk in hand, and has said so since this was last waited for."""
    wait_until(lambda: lab.client.hexists(f"facemirror:{recording}:on", "0"), 60, lab.logs)
    time.sleep(0.5)
    lab.client.delete(f"facemirror:{recording}:on")


def begun_by(lab, recording) -> int:
    return lab.client.scard(f"facemirror:{recording}:begun:0")


def check_done(lab, recording):
    (found,) = lab.wait_for("outages")["recordings"]
    assert (found["state"], found.get("reason", "")) == ("done", ""), lab.logs()


def test_connections_that_break_again_and_again_use_up_no_deaths_simulated(lab, tmp_path):
    lab.start("server", "server")
    start_worker(lab)
    recording = submitted(lab, tmp_path)
    for _ in range(STARTS + 1):
        wait_until_begun(lab, recording)
        for kind in ("normal", "pubsub"):
            lab.client.client_kill_filter(_type=kind)
    wait_until_begun(lab, recording)
    assert begun_by(lab, recording) == 1
    check_done(lab, recording)


def test_a_redis_that_is_started_anew_uses_up_no_deaths_simulated(lab, tmp_path):
    lab.start("server", "server")
    start_worker(lab)
    recording = submitted(lab, tmp_path)
    for _ in range(2):
        wait_until_begun(lab, recording)
        end(lab.redis_process)
        time.sleep(1.0)
        lab.start_redis()
    wait_until_begun(lab, recording)
    assert begun_by(lab, recording) == 1
    check_done(lab, recording)
