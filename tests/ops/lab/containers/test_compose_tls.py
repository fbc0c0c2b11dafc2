"""The lab of docker-compose.tls.yml by the page's own lines, its commands as plain processes."""

import os
import re
import subprocess
from functools import partial

import pytest
import yaml

from tests.ops.lab.containers import tls
from tests.ops.lab.containers.compose import (
    PROJECT,
    TLS_FILE,
    check_passes,
    environment_here,
    services,
    with_replaced,
)
from tests.ops.lab.containers.test_compose import SETTINGS, compose, written_settings
from tests.ops.lab.page import PAGE, code_blocks
from tests.ops.one_machine_lab import free_port, wait_until
from tests.ops.outputs import Outputs
from tests.programs import redis_with_tls
from tests.recordings import Recipe, record
from weights.manifest import DEMO_FOLDER

FOLDER = "/somewhere/tls"
SERVICES = services({**SETTINGS, "TLS": FOLDER}, TLS_FILE)


def test_docker_compose_reads_the_two_files_as_the_page_names_them(tmp_path):
    settings = written_settings(tmp_path, SETTINGS)
    lines = next(text for text in code_blocks("Let Macs in safely") if "COMPOSE_FILE=" in text)
    settings.write_text(settings.read_text() + lines.replace("/path/to/that/folder", FOLDER))
    (files,) = re.findall(r"^COMPOSE_FILE=(.*)", lines, re.MULTILINE)
    named = [part for file in files.split(":") for part in ("-f", PROJECT / file)]
    done = compose(*named, "config", environment=settings)
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load(done.stdout)["services"]
    for name in ("redis", "server", "flower", "worker"):
        assert told[name]["command"] == SERVICES[name].command
        assert told[name]["environment"] == SERVICES[name].environment
        for inside, outside in SERVICES[name].volumes.items():
            assert any(one.startswith(f"{outside}:{inside}") for one in told[name]["volumes"])


def test_the_page_says_who_owns_the_key_as_the_container_runs():
    owners = re.findall(r"^chown (\d+:\d+) redis\.key redis\.conf", PAGE.read_text(), re.MULTILINE)
    assert owners == [SERVICES["redis"].written["user"]]
    assert SERVICES["redis"].volumes[tls.FOLDER] == FOLDER


@pytest.fixture
def here(lab, tmp_path) -> dict[str, str]:
    """The page's certificates and redis.conf in a folder, the Redis of the compose file started
    with them, and what else is elsewhere on this machine than in a container."""
    folder = tmp_path / "tls"
    folder.mkdir()
    redis_with_tls()
    tls.make_certificates(folder, "redis")
    port = str(free_port())
    here = {
        "@redis:6379": f"@localhost:{port}",
        "6379": port,
        tls.FOLDER: str(folder),
        "/data": str(tmp_path / "data"),
        "/weights": str(DEMO_FOLDER),
        "/register": str(tmp_path / "register"),
        "9540": str(free_port()),
        "5555": str(free_port()),
    }
    (tmp_path / "data").mkdir()
    _, encrypted, _, users = tls.page_lines()
    users = users.replace("SERVERS-PASSWORD", SETTINGS["REDIS_PASSWORD"])
    (folder / "redis.conf").write_text(with_replaced(encrypted + users, here))
    redis = SERVICES["redis"]
    environment = {**redis.environment, "PATH": os.environ["PATH"]}
    line = [with_replaced(part, here) for part in redis.command]
    with lab.log("redis-tls").open("wb") as log:
        process = subprocess.Popen(line, env=environment, stdout=log, start_new_session=True)
    lab.running.append(process)
    wait_until(partial(check_passes, redis, here, environment, tmp_path), 20, lab.logs)
    wrong = {**environment, "REDIS_PASSWORD": "wrong"}
    assert not check_passes(redis, here, wrong, tmp_path)
    return here


def test_a_worker_over_tls_does_a_study_and_without_the_certificate_it_is_refused(
    here, lab, tmp_path
):
    recordings, outputs = tmp_path / "recordings", tmp_path / "outputs"
    recordings.mkdir()
    record(recordings / "P017_smile.mov", Recipe(frames=20))
    environments = {}
    for name in ("server", "worker", "flower"):
        _, *arguments = [with_replaced(part, here) for part in SERVICES[name].command]
        environments[name] = lab.environment = environment_here(SERVICES[name], here, tmp_path)
        assert lab.environment["FACEMIRROR_BROKER"].startswith("rediss://server:")
        lab.start(name, *arguments)
    for name, environment in environments.items():
        check = partial(check_passes, SERVICES[name], here, environment, tmp_path)
        wait_until(check, 150, lab.logs)
    lab.environment = environments["server"]
    study = lab.submit(recordings, "--out", outputs, "--weights", "demo")
    assert lab.wait_for(study)["recordings"][0]["state"] == "done", lab.logs()
    assert len(Outputs(outputs / "P017_smile").rows("left")) == 20

    without = environments["worker"]["FACEMIRROR_BROKER"].partition("?")[0]
    for refused in (without, without.replace("rediss://", "redis://")):
        lab.environment = {**environments["worker"], "FACEMIRROR_BROKER": refused}
        done = lab.run("worker", "--name", "mac-3", "--provider", "cpu")
        assert done.returncode == 2
        assert "no Redis answers" in done.stderr
        assert ("certificate" in done.stderr) == refused.startswith("rediss")
        assert len(done.stderr.splitlines()) == 1
