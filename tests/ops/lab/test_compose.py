"""docker-compose.yml and the Dockerfile: what they promise, and their very commands started."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import psutil
import pytest

from tests.ops.lab.compose import PROJECT, Service, services
from tests.ops.one_machine_lab import free_port, wait_until
from tests.programs import program
from tests.recordings import Recipe, record
from weights.manifest import DEMO_FOLDER
from workers.process.broker import BrokerError, redis_client, require_reachable

SETTINGS = {
    "REDIS_PASSWORD": "f00dcafe",
    "FLOWER_PASSWORD": "cafef00d",
    "RECORDINGS": "/somewhere/recordings",
    "OUTPUTS": "/somewhere/outputs",
    "WEIGHTS": "/somewhere/weights",
}
IMAGE_WITH_EXACT_TAG = re.compile(r"[\w/.-]+:\d+\.\d+\.\d+[\w.-]*")


@pytest.fixture(scope="module")
def written() -> dict[str, Service]:
    """The services with every setting filled in."""
    return services(SETTINGS)


def compose(*arguments: object, environment: Path) -> subprocess.CompletedProcess[str]:
    """What docker-compose says about the file."""
    return subprocess.run(
        [program("docker-compose"), "--env-file", str(environment), *map(str, arguments)],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "HOME": str(environment.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def written_settings(folder: Path, settings: dict[str, str]) -> Path:
    """An .env file made from the example."""
    lines = (PROJECT / ".env.example").read_text().splitlines()
    for name, value in settings.items():
        assert f"{name}=" in lines, f".env.example does not ask for {name}"
        lines[lines.index(f"{name}=")] = f"{name}={value}"
    file = folder / ".env"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_docker_compose_accepts_the_file_with_the_example_filled_in(tmp_path):
    done = compose("config", "--services", environment=written_settings(tmp_path, SETTINGS))
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == ["flower", "redis", "server", "worker"]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_left_empty_is_asked_for(name, tmp_path):
    settings = {key: value for key, value in SETTINGS.items() if key != name}
    with pytest.raises(KeyError, match=name):
        services(settings)
    done = compose("config", environment=written_settings(tmp_path, settings))
    assert done.returncode == 1
    assert name in done.stderr


def test_images_have_exact_tags(written):
    for service in written.values():
        assert IMAGE_WITH_EXACT_TAG.fullmatch(service.written["image"])
    stages = re.findall(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(stages) == 2
    assert all(IMAGE_WITH_EXACT_TAG.fullmatch(stage) for stage in stages)


def test_nobody_is_root(written):
    for service in written.values():
        assert service.written["user"].split(":")[0] not in ("", "0", "root")
    assert re.search(r"^USER [1-9]\d*:[1-9]", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)


def test_only_this_machine_reaches_any_port_by_default(written):
    ports = [port for service in written.values() for port in service.written.get("ports", [])]
    assert ports == ["127.0.0.1:6379:6379", "127.0.0.1:9540:9540", "127.0.0.1:5555:5555"]


def test_recordings_cannot_be_written_and_workers_do_not_see_them(written):
    assert "/somewhere/recordings:/recordings:ro" in written["server"].written["volumes"]
    assert written["worker"].volumes == {"/weights": "/somewhere/weights"}
    assert "volumes" not in written["flower"].written


def test_every_service_is_watched_and_given_time_to_finish(written):
    for service in written.values():
        assert service.written["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert written["worker"].written["stop_grace_period"] == "10m"


def test_the_image_gets_all_that_it_copies_and_neither_models_nor_passwords():
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (PROJECT / "Dockerfile").read_text(), re.M)
    sources = {source for line in copied for source in line.split()}
    assert sources <= allowed
    assert all((PROJECT / source).exists() for source in sources)
    assert not any(fnmatch(".env", pattern) for pattern in allowed)


def test_redis_keeps_its_work_and_its_password(written, tmp_path):
    program("redis-server")
    program("redis-cli")
    service, port = written["redis"], free_port()
    settings = {"/data": str(tmp_path), "6379": str(port)}
    command = [_with(part, settings) for part in service.command]
    environment = {**service.environment, "PATH": os.environ["PATH"]}
    url = f"redis://:f00dcafe@127.0.0.1:{port}/0"
    with started_redis(command, url, environment, tmp_path) as process:
        client = redis_client(url)
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert "f00dcafe" not in " ".join(psutil.Process(process.pid).cmdline())
        assert "redis-server" in psutil.Process(process.pid).name()
        client.set("kept", "work")
        healthy = ["sh", "-c", _with(service.written["healthcheck"]["test"][1], settings)]
        assert subprocess.run(healthy, env=environment, check=False).returncode == 0
        wrong = {**environment, "REDIS_PASSWORD": "wrong"}
        assert subprocess.run(healthy, env=wrong, check=False, capture_output=True).returncode
        client.close()
        process.terminate()
        process.wait(timeout=20)
    with started_redis(command, url, environment, tmp_path):
        client = redis_client(url)
        assert client.get("kept") == b"work"
        client.close()


@contextmanager
def started_redis(command: list[str], url: str, environment: dict[str, str], folder: Path):
    """The server that a command line starts, once it answers."""
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(url), 20, (folder / "redis.log").read_text)
        yield process
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    """Whether a Redis is there."""
    try:
        require_reachable(url)
    except BrokerError:
        return False
    return True


def test_every_other_service_starts_is_healthy_and_does_a_recording(lab, tmp_path):
    recordings, outputs = tmp_path / "recordings", tmp_path / "outputs"
    recordings.mkdir()
    record(recordings / "P017_smile.mov", Recipe(frames=20))
    filled = services(SETTINGS)
    here = {
        "redis://:f00dcafe@redis:6379/0": lab.broker,
        "/weights": str(DEMO_FOLDER),
        "/register": str(tmp_path / "register"),
        "9540": str(free_port()),
        "5555": str(free_port()),
    }
    environments = {}
    for name in ("server", "worker", "flower"):
        command, *arguments = [_with(part, here) for part in filled[name].command]
        assert command == "facemirror"
        environments[name] = lab.environment = _environment(filled[name], here, tmp_path)
        lab.start(name, *arguments)
    for name, environment in environments.items():
        check = [_with(part, here) for part in filled[name].written["healthcheck"]["test"][1:]]
        wait_until(lambda c=check, e=environment: _succeeds(c, e, tmp_path), 150, lab.logs)
    lab.environment = environments["server"]
    study = lab.submit(recordings, "--out", outputs, "--weights", "demo")
    assert lab.wait_for(study)["recordings"][0]["state"] == "done"
    assert (outputs / "P017_smile" / "run.json").exists()


def _environment(service: Service, here: dict[str, str], folder: Path) -> dict[str, str]:
    """What a service's processes see here: what the file says, and what the image has."""
    return {
        **{name: _with(value, here) for name, value in service.environment.items()},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": "/nonexistent",
        "FACEMIRROR_COMPILED": str(folder / "compiled"),
    }


def _succeeds(command: list[str], environment: dict[str, str], folder: Path) -> bool:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def _with(text: str, here: dict[str, str]) -> str:
    for old, new in here.items():
        text = text.replace(old, new)
    return text
