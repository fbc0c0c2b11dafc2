"""TLS and Redis users, set up as ops/README.md says, carry a study, and Flower shows it."""

import subprocess

import pytest
import redis

from tests.ops.lab.containers import tls
from tests.ops.lab.flower_site import start_flower
from tests.ops.one_machine_lab import LabOnOneMachine, free_port, wait_until
from tests.programs import redis_with_tls
from tests.recordings import Recipe, record
from workers.process.broker import BrokerError, redis_client, require_reachable

SIMULATED = ("--provider", "simulated")


@pytest.fixture
def broker(lab, tmp_path):
    """The broker's URL with `USER` and `WORD` to be filled in, of a server made by the page's lines
    with no more than names and paths changed."""
    server = redis_with_tls()
    tls.make_certificates(tmp_path, "lab-server")
    _, encrypted, url, users = tls.page_lines()
    port = str(free_port())
    settings = tmp_path / "tls.conf"
    settings.write_text(
        encrypted.replace(tls.FOLDER, str(tmp_path)).replace("6379", port)
        + users
        + f'dir "{tmp_path}"\nsave ""\n'
    )
    with lab.log("redis-tls").open("wb") as log:
        lab.running.append(
            subprocess.Popen([server, str(settings)], stdout=log, start_new_session=True)
        )
    written = url.partition("'")[2].partition("'")[0]
    fitted = written.replace("lab-server:6379", f"localhost:{port}")
    fitted = fitted.replace("/path/to", str(tmp_path)).replace("worker:ITS-PASSWORD", "USER:WORD")
    wait_until(lambda: answers(as_user(fitted, "server")), 20, lab.log("redis-tls").read_text)
    return fitted


def as_user(broker: str, user: str) -> str:
    """The URL for one of the page's users."""
    return broker.replace("USER", user).replace("WORD", f"{user.upper()}S-PASSWORD")


def answers(url: str) -> bool:
    """Whether a Redis is there."""
    try:
        require_reachable(url)
    except BrokerError:
        return False
    return True


def test_a_study_goes_through_and_no_user_lacks_a_permission(broker, lab, tmp_path):
    recording = record(tmp_path / "P017_smile.mov", Recipe(frames=20))
    become(lab, broker, "worker")
    lab.start("worker", "worker", *SIMULATED, "--name", "mac-3")
    become(lab, broker, "server")
    lab.start("server", "server")
    site = start_flower(lab)
    study = lab.submit(recording, "--out", tmp_path / "out", "--weights", "demo", *SIMULATED)
    assert lab.wait_for(study)["recordings"][0]["state"] == "done"

    with redis_client(as_user(broker, "server")) as client:
        assert client.acl_log() == []
    with redis_client(as_user(broker, "worker")) as client:
        for forbidden in (client.config_get, client.flushall, client.acl_list):
            with pytest.raises(redis.exceptions.NoPermissionError):
                forbidden()
    site.wait_for("/workers?refresh=1", "facemirror@mac-3")
    site.wait_for("/broker", "facemirror.files")
    assert "Unable to get queues" not in site.log.read_text()
    assert not any(told in lab.logs() for told in ("SERVERS-PASSWORD", "WORKERS-PASSWORD"))


def test_a_certificate_of_somebody_else_is_refused(broker, lab):
    become(lab, broker.partition("?")[0], "worker")
    refused = lab.run("worker", *SIMULATED)
    assert refused.returncode == 2
    assert "certificate" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def become(lab: LabOnOneMachine, broker: str, user: str) -> None:
    """What is started from now on connects as this user."""
    lab.environment["FACEMIRROR_BROKER"] = as_user(broker, user)
