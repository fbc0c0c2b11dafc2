"""Two workers of one name would look like one: the second is refused, a restarted one is not."""

import psutil
import pytest
from rich.console import Console

from ops.errors import UsageError
from ops.lab.place import Place, name_key, only_holder, words_on_name
from tests.ops.one_machine_lab import LabOnOneMachine, end, frozen, wait_until
from workers.process.broker import redis_client
from workers.process.private_redis import PrivateRedis

QUIET = Console(quiet=True)
KEY = name_key("mac-3")


def start_worker(lab: LabOnOneMachine, log: str, *options: object):
    """A worker that is called mac-3 unless told otherwise."""
    line = ("worker", "--provider", "simulated", "--workers", 1, "--name", "mac-3", *options)
    return lab.start(log, *line)


def is_on(lab: LabOnOneMachine, log: str) -> bool:
    """Whether a worker has got its name and its Celery worker runs."""
    return " ready." in lab.log(log).read_text()


def test_a_second_worker_of_one_name_is_refused_and_told_what_to_do(lab):
    start_worker(lab, "first")
    wait_until(lambda: is_on(lab, "first"), 60, lab.logs)
    second = start_worker(lab, "second")
    other = start_worker(lab, "other", "--name", "mac-4")
    assert second.wait(90) == 2
    said = lab.log("second").read_text()
    assert "facemirror: a worker named 'mac-3' is on already, on " in said
    assert "choose another --name here" in said
    assert "Traceback" not in said
    wait_until(lambda: is_on(lab, "other"), 60, lab.logs)
    assert other.poll() is None


def test_a_worker_that_was_killed_gets_its_name_back_and_a_stopped_one_at_once(lab):
    killed = start_worker(lab, "killed")
    wait_until(lambda: is_on(lab, "killed"), 60, lab.logs)
    processes = psutil.Process(killed.pid).children(recursive=True)
    end(killed)
    for process in processes:
        process.kill()
    assert 0 < lab.client.ttl(KEY) <= 15  # so long does another wait at the most
    again = start_worker(lab, "again")
    wait_until(lambda: is_on(lab, "again"), 60, lab.logs)
    assert "waiting for the worker 'mac-3'" in lab.log("again").read_text()
    again.terminate()
    assert again.wait(60) == 0
    assert not lab.client.exists(KEY)


def test_a_worker_keeps_its_name_while_it_finishes_its_chunk(lab):
    worker = start_worker(lab, "worker")
    wait_until(lambda: is_on(lab, "worker"), 60, lab.logs)
    celery = psutil.Process(worker.pid).children()[0]
    log = lab.log("worker")
    with frozen(celery.pid):  # it takes as long as a long chunk
        worker.terminate()
        wait_until(lambda: "finishing what is in hand" in log.read_text(), 30, lab.logs)
        lab.client.delete(KEY)
        wait_until(lambda: lab.client.exists(KEY), 30, lab.logs)
    assert worker.wait(60) == 0


@pytest.fixture
def client():
    """A Redis of one's own."""
    with PrivateRedis() as server, redis_client(server.url) as client:
        yield client


def place_of(client, host: str) -> Place:
    """What a worker on a machine asks for."""
    return Place(client, KEY, host, words_on_name("mac-3"))


def test_whoever_lost_its_name_while_it_was_away_is_told_so_and_takes_nothing(client):
    away = place_of(client, "mac-a")
    with only_holder(away, QUIET):
        client.delete(KEY)  # as Redis does when nobody has kept it
        assert place_of(client, "mac-b").take() is None
        with pytest.raises(UsageError, match="'mac-3' was started on mac-b"):
            away.keep()
    assert client.get(KEY).startswith(b"mac-b ")


def test_a_name_that_redis_forgot_is_taken_again(client):
    place = place_of(client, "mac-a")
    assert place.take() is None
    client.flushall()
    place.keep()
    assert client.get(KEY).startswith(b"mac-a ")
    assert 0 < client.ttl(KEY) <= 15


def test_a_place_is_free_when_its_holder_has_been_silent(client):
    assert place_of(client, "mac-a").take() is None
    client.pexpire(KEY, 700)
    with only_holder(place_of(client, "mac-b"), QUIET):
        assert client.get(KEY).startswith(b"mac-b ")
    assert not client.exists(KEY)
