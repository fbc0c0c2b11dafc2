"""The launch agent: what launchd is told, and that its command line and environment work."""

import plistlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ops.errors import UsageError
from ops.lab.launch_agent import LaunchAgent, install

BROKER = "redis://:open-sesame@lab-server:6379/0"


@pytest.fixture
def agent(tmp_path) -> LaunchAgent:
    """An agent in a home of its own."""
    arguments = ("worker", "--provider", "coreml", "--name", "mac-3")
    return install(arguments, {"FACEMIRROR_BROKER": BROKER}, tmp_path)


def test_it_starts_at_login_starts_anew_and_logs(agent, tmp_path):
    assert agent.plist == tmp_path / "Library/LaunchAgents/org.facemirror.worker.plist"
    told = plistlib.loads(agent.plist.read_bytes())
    assert told["Label"] == agent.plist.stem
    assert told["RunAtLoad"] is True
    assert told["KeepAlive"] is True
    assert told["ThrottleInterval"] >= 10
    assert told["ExitTimeOut"] >= 300
    assert told["StandardOutPath"] == told["StandardErrorPath"] == str(agent.log)
    assert agent.log.parent.is_dir()
    assert told["ProgramArguments"][1:] == ["worker", "--provider", "coreml", "--name", "mac-3"]


def test_the_password_is_in_no_command_line_and_in_a_file_for_its_owner_only(agent):
    told = plistlib.loads(agent.plist.read_bytes())
    assert not any("open-sesame" in part for part in told["ProgramArguments"])
    assert told["EnvironmentVariables"]["FACEMIRROR_BROKER"] == BROKER
    assert stat.S_IMODE(agent.plist.stat().st_mode) == 0o600


def test_the_program_and_its_environment_work_as_written(agent):
    told = plistlib.loads(agent.plist.read_bytes())
    program = Path(told["ProgramArguments"][0])
    assert program.is_absolute()
    done = subprocess.run(
        [program, "--help"],
        env=told["EnvironmentVariables"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "worker" in done.stdout


def test_its_very_command_works_and_drains_when_launchd_asks(lab, tmp_path):
    environment = {"FACEMIRROR_BROKER": lab.broker, "FACEMIRROR_WEIGHTS": "demo"}
    agent = install(("worker", "--provider", "simulated", "--name", "mac-3"), environment, tmp_path)
    told = plistlib.loads(agent.plist.read_bytes())
    launchd = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(tmp_path)}
    with Path(told["StandardOutPath"]).open("wb") as log:
        worker = subprocess.Popen(
            told["ProgramArguments"],
            env={**launchd, **told["EnvironmentVariables"]},
            cwd="/",
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    lab.running.append(worker)
    lab.wait_for_workers(1)
    with lab.client as client:
        assert client.exists("facemirror:worker:facemirror@mac-3")
    worker.terminate()
    assert worker.wait(timeout=60) == 0
    assert "facemirror@mac-3 ready" in agent.log.read_text()


def test_a_newer_one_replaces_an_older_one_and_leaves_nothing_beside_it(agent, tmp_path):
    agent.plist.chmod(0o644)
    again = install(("worker",), {"FACEMIRROR_BROKER": BROKER}, tmp_path)
    assert again == agent
    assert plistlib.loads(agent.plist.read_bytes())["ProgramArguments"][1:] == ["worker"]
    assert stat.S_IMODE(agent.plist.stat().st_mode) == 0o600
    assert list(agent.plist.parent.iterdir()) == [agent.plist]


def test_the_commands_name_the_user_and_the_file(agent):
    start, stop = agent.commands(501)
    assert start == f'launchctl bootstrap gui/501 "{agent.plist}"'
    assert stop == "launchctl bootout gui/501/org.facemirror.worker"


def test_a_python_without_the_command_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(UsageError, match="facemirror is missing"):
        install(("worker",), {}, tmp_path)


def test_the_worker_command_writes_an_agent_that_starts_this_very_worker(lab, tmp_path):
    lab.environment["HOME"] = str(tmp_path)
    done = lab.run(
        *("worker", "--provider", "simulated", "--queues", "analyze,smiles", "--workers", 1),
        *("--name", "mac-4", "--install-launchd"),
    )
    assert done.returncode == 0, done.stderr
    assert "launchctl bootstrap gui/" in done.stderr
    plist = tmp_path / "Library/LaunchAgents/org.facemirror.worker.plist"
    told = plistlib.loads(plist.read_bytes())
    assert lab.broker not in " ".join(told["ProgramArguments"])
    assert "--workers=1" in told["ProgramArguments"]
    worker = subprocess.Popen(
        told["ProgramArguments"], env=told["EnvironmentVariables"], start_new_session=True
    )
    lab.running.append(worker)
    lab.wait_for_workers(1)
    assert lab.client.exists("facemirror:worker:facemirror@mac-4")
    present = lab.client.get("facemirror:worker:facemirror@mac-4") or b""
    assert b"facemirror.smiles." in present
