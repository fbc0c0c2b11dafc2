"""docker-compose.yml and the Dockerfile: what they promise, and their very commands started."""

import os
import re
import subprocess
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import psutil
import pytest
import yaml

from ops.lab.byte_sizes import parse_bytes
from tests.ops.lab.containers.compose import (
    PROJECT,
    Service,
    check_passes,
    environment_here,
    services,
    with_replaced,
)
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
IMAGE_WITH_EXACT_TAG = re.compile(r"[\w/.-]+:v?\d+\.\d+\.\d+[\w.-]*")
DIGEST = f"@sha256:{'0a' * 32}"


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
    # Some versions list what only a profile starts, others do not.
    started = set(done.stdout.split()) - {"prometheus"}
    assert started == {"flower", "redis", "server", "worker"}


def test_a_setting_that_is_left_empty_is_asked_for(tmp_path):
    for name in SETTINGS:
        settings = {key: value for key, value in SETTINGS.items() if key != name}
        with pytest.raises(KeyError, match=name):
            services(settings)
        done = compose("config", environment=written_settings(tmp_path, settings))
        assert done.returncode == 1, name
        assert name in done.stderr


def test_images_have_exact_tags_and_the_digests_that_are_given(written, tmp_path):
    stages = re.findall(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(stages) == 2
    bare = [stage.removesuffix("${PYTHON_DIGEST}") for stage in stages]
    assert all(stage.endswith("${PYTHON_DIGEST}") for stage in stages)
    images = [service.written["image"] for service in written.values()]
    assert all(IMAGE_WITH_EXACT_TAG.fullmatch(image) for image in (*images, *bare))

    names = ("REDIS_DIGEST", "PYTHON_DIGEST", "PROMETHEUS_DIGEST")
    example = (PROJECT / ".env.example").read_text()
    assert all(f"#{name}=\n" in example for name in names)
    pinned = written_settings(tmp_path, SETTINGS)
    pinned.write_text(pinned.read_text() + "".join(f"{name}={DIGEST}\n" for name in names))
    done = compose("--profile", "metrics", "config", environment=pinned)
    assert done.returncode == 0, done.stderr
    told = yaml.safe_load(done.stdout)["services"]
    assert told["redis"]["image"] == f"{written['redis'].written['image']}{DIGEST}"
    assert told["prometheus"]["image"].endswith(DIGEST)
    for name in ("server", "flower", "worker"):
        assert told[name]["build"]["args"] == {"PYTHON_DIGEST": DIGEST}


def test_no_container_gets_rights_or_fills_the_machine(written):
    for service in written.values():
        told = service.written
        assert told["cap_drop"] == ["ALL"]
        assert "cap_add" not in told
        assert told["security_opt"] == ["no-new-privileges:true"]
        assert parse_bytes(told["mem_limit"].replace("g", "GiB")) >= 1 << 30
        assert told["logging"]["driver"] == "json-file"
        limits = told["logging"]["options"]
        assert re.fullmatch(r"\d+m", limits["max-size"])
        assert int(limits["max-file"]) > 1


def test_prometheus_loads_the_alerts_and_knows_flowers_password(written):
    service = written["prometheus"]
    assert service.volumes["/etc/facemirror"] == "./ops/lab/prometheus"
    configuration = PROJECT / "ops" / "lab" / "prometheus" / "containers.yml"
    (script,) = service.command
    assert f"--config.file=/etc/facemirror/{configuration.name}" in script
    told = yaml.safe_load(configuration.read_text())
    targets = {
        job["job_name"]: job["static_configs"][0]["targets"] for job in told["scrape_configs"]
    }
    assert targets == {"flower": ["flower:5555"], "facemirror": ["server:9540"]}
    assert "--port=5555" in written["flower"].command
    assert "--metrics=0.0.0.0:9540" in written["server"].command


def test_nobody_is_root(written):
    for service in written.values():
        assert service.written["user"].split(":")[0] not in ("", "0", "root")
    assert re.search(r"^USER [1-9]\d*:[1-9]", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)


def test_only_this_machine_reaches_any_port_by_default(written):
    ports = [port for service in written.values() for port in service.written.get("ports", [])]
    assert ports == [
        "127.0.0.1:6379:6379",
        "127.0.0.1:9540:9540",
        "127.0.0.1:5555:5555",
        "127.0.0.1:9090:9090",
    ]


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
    command = [with_replaced(part, settings) for part in service.command]
    environment = {**service.environment, "PATH": os.environ["PATH"]}
    url = f"redis://:f00dcafe@127.0.0.1:{port}/0"
    with started_redis(command, url, environment, tmp_path) as process:
        client = redis_client(url)
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert "f00dcafe" not in " ".join(psutil.Process(process.pid).cmdline())
        assert "redis-server" in psutil.Process(process.pid).name()
        client.set("kept", "work")
        assert check_passes(service, settings, environment, tmp_path)
        wrong = {**environment, "REDIS_PASSWORD": "wrong"}
        assert not check_passes(service, settings, wrong, tmp_path)
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
        command, *arguments = [with_replaced(part, here) for part in filled[name].command]
        assert command == "facemirror"
        environments[name] = lab.environment = environment_here(filled[name], here, tmp_path)
        lab.start(name, *arguments)
    for name, environment in environments.items():
        check = partial(check_passes, filled[name], here, environment, tmp_path)
        wait_until(check, 150, lab.logs)
    lab.environment = environments["server"]
    study = lab.submit(recordings, "--out", outputs, "--weights", "demo")
    assert lab.wait_for(study)["recordings"][0]["state"] == "done"
    assert (outputs / "P017_smile" / "run.json").exists()
