"""Commands that are killed, stopped or started twice, while a study is on its way."""

import signal
import time

from tasks.dispatch import LOST_SECONDS
from tests.ops.one_machine_lab import end, wait_until
from tests.ops.outputs import Outputs
from tests.ops.studies.simulated import SIMULATED, analysed, recordings_of, start_simulated


def test_nothing_is_lost_or_doubled_when_submitter_server_and_redis_are_killed_simulated(
    lab, tmp_path
):
    given = recordings_of(tmp_path / "in", 6, 150)
    submit = ("submit", given, "--out", tmp_path / "out", *SIMULATED, "--name", "killed")
    submitter = lab.start("submit", *submit)
    time.sleep(1.2)
    end(submitter)  # before, while or after it writes: a study is there as a whole or not at all
    server = lab.start("server", "server")
    start_simulated(lab, seconds=0.02)
    lab.submit(*submit[1:])
    wait_until(lambda: lab.look("killed")["chunks"]["done"] > 0, 60, lab.logs)
    end(server)
    time.sleep(1)
    lab.start("server", "server")
    # One that finds no Redis when it starts ends, and says so: it must have come up.
    wait_until(lambda: lab.log("server").read_text().count(" ready.") == 2, 90, lab.logs)
    wait_until(lambda: lab.look("killed")["chunks"]["done"] > 4, 90, lab.logs)
    assert lab.redis_process is not None
    end(lab.redis_process)
    time.sleep(2)
    lab.start_redis()
    status = lab.wait_for("killed", LOST_SECONDS + 120)  # what a dead Redis forgot is sent again
    assert [r["state"] for r in status["recordings"]] == ["done"] * 6, lab.logs()
    for n in range(6):
        numbers = [int(row["frame"]) for row in Outputs(tmp_path / "out" / f"r{n}").rows("left")]
        assert numbers == list(range(150))
    # one that was sent again may still write what is there already
    wait_until(lambda: not list((tmp_path / "out").glob("*/.partial*")), 60, lab.logs)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"r{n}" for n in range(6)]


def test_a_worker_drains_at_the_first_signal_and_stops_at_the_second_simulated(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 1, 100)
    lab.start("server", "server")
    patient = start_simulated(lab, "patient", workers=1, seconds=0.3)
    lab.submit(given, "--out", tmp_path / "out", *SIMULATED, "--name", "slow")
    wait_until(lambda: lab.look("slow")["chunks"]["running"], 60, lab.logs)
    patient.send_signal(signal.SIGTERM)
    assert patient.wait(30) == 0
    assert analysed(lab, "patient") == 1
    following = start_simulated(lab, "following", seconds=0)
    assert lab.wait_for("slow")["recordings"][0]["state"] == "done"

    following.send_signal(signal.SIGTERM)
    assert following.wait(30) == 0
    lab.submit(given, "--out", tmp_path / "out2", *SIMULATED, "--name", "slower")
    hasty = start_simulated(lab, "hasty", workers=1, seconds=5)
    wait_until(lambda: lab.look("slower")["chunks"]["running"], 60, lab.logs)
    hasty.send_signal(signal.SIGINT)
    time.sleep(1)
    assert hasty.poll() is None
    hasty.send_signal(signal.SIGINT)
    hasty.wait(20)
    start_simulated(lab, "next")
    assert lab.wait_for("slower")["recordings"][0]["state"] == "done"
    assert analysed(lab, "hasty") == 0
    assert analysed(lab, "next") == len(Outputs(tmp_path / "out2" / "r0").run["chunks"])


def test_a_second_server_is_refused(lab):
    lab.start("server", "server", "--name", "lab-1")
    lab.wait_for_workers(1)
    second = lab.start("second", "server", "--name", "lab-2")
    assert second.wait(60) == 2
    assert "a server runs for this Redis already, on lab-1" in lab.log("second").read_text()
