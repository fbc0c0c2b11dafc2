"""Health checks: what is stopped, hangs or has lost Redis is found out."""

import subprocess

import psutil
import pytest

from ops.lab.health import server_trouble, worker_trouble
from tests.ops.lab.containers.compose import services
from tests.ops.lab.containers.test_compose import SETTINGS
from tests.ops.lab.flower_site import start_flower
from tests.ops.one_machine_lab import LabOnOneMachine, frozen, wait_until
from workers.process.launcher import CELERY_WORKER

SIMULATED = ("--provider", "simulated")


def standing(name: str) -> list[str]:
    """The command that a service of docker-compose.yml asks how it is, without its program."""
    program, *arguments = services(SETTINGS)[name].written["healthcheck"]["test"][1:]
    assert program == "facemirror"
    return arguments


def well(lab: LabOnOneMachine, name: str) -> bool:
    """Whether a service's check passes, without starting a command for it."""
    look = {"server": server_trouble, "worker": worker_trouble}[name]
    return look(lab.client, f"lab-{name}") is None


def start(lab: LabOnOneMachine, name: str) -> "psutil.Process":
    """The server or the worker, as the compose file calls it, once its check passes."""
    options = SIMULATED if name == "worker" else ()
    process = lab.start(name, name, "--name", f"lab-{name}", *options)
    wait_until(lambda: well(lab, name), 60, lab.logs)
    assert lab.run(*standing(name)).returncode == 0
    return psutil.Process(process.pid)


@pytest.mark.parametrize("name", ["server", "worker"])
def test_a_command_that_is_frozen_is_found_out_and_so_is_the_celery_worker_below_it(name, lab):
    command = start(lab, name)
    (worker,) = (child for child in command.children() if CELERY_WORKER in child.cmdline())
    for process, said in ((command, "it is off, or it hangs"), (worker, "is silent")):
        with frozen(process.pid):
            wait_until(lambda: not well(lab, name), 60, f"a frozen {process} passes")
            told = lab.run(*standing(name))
        assert told.returncode == 1
        assert said in told.stdout
        wait_until(lambda: well(lab, name), 60, lab.logs)


@pytest.mark.parametrize("name", ["server", "worker"])
def test_what_is_off_or_called_otherwise_is_not_well(name, lab):
    assert lab.run(*standing(name)).returncode == 1
    start(lab, name)
    other = lab.run("health", name, "--name", "another")
    assert other.returncode == 1
    assert "another" in other.stdout


def test_without_redis_nothing_is_well(lab):
    site = start_flower(lab)
    assert lab.redis_process is not None
    with frozen(lab.redis_process.pid):
        assert site.get("/healthcheck", log_in=False) == (503, "Redis does not answer")
        assert lab.run(*standing("server")).returncode == 1
    wait_until(site.serves, 30, lab.logs)
    lab.redis_process.kill()
    lab.redis_process.wait()
    assert site.get("/healthcheck", log_in=False) == (503, "Redis does not answer")
    assert lab.run(*standing("server")).returncode == 1
    lab.start_redis()
    wait_until(site.serves, 30, lab.logs)


def test_a_flower_that_is_frozen_does_not_answer(lab):
    site = start_flower(lab)
    check = services(SETTINGS)["flower"].written["healthcheck"]["test"]
    line = [part.replace("5555", str(site.port)) for part in check[1:]]
    with frozen(site.process.pid):
        assert subprocess.run(line, capture_output=True, check=False).returncode != 0
    wait_until(site.serves, 30, lab.logs)
    assert subprocess.run(line, check=False).returncode == 0
