"""Assemble when something goes wrong for a moment: it tries again, and nothing is lost."""

import pytest
import redis

from tasks import assemble as assemble_module
from tasks.assemble import assemble
from tasks.store import RecordingStore
from tests.ops.outputs import Outputs
from tests.tasks.simulated_recording import FRAMES, simulated_recording


@pytest.fixture
def recording(working_redis, tmp_path):
    made = simulated_recording(working_redis, tmp_path)
    made.read()
    return made


def check_done(recording, result):
    assert result.get() == f"smile.mp4: {FRAMES} frames done"
    assert recording.store.outcome().status == "done"
    assert len(Outputs(recording.out / "smile").rows("left")) == FRAMES
    assert not list((recording.out / "smile").glob(".partial*"))


def test_a_redis_that_does_not_answer_at_first_is_asked_again(
    recording, working_redis, tmp_path, monkeypatch
):
    recording.analyse()
    nobody = redis.Redis(unix_socket_path=str(tmp_path / "nobody.sock"))
    clients = iter([nobody, nobody, working_redis])
    monkeypatch.setattr("tasks.assemble.redis_client", lambda _: next(clients))
    check_done(recording, assemble.apply((recording.id, 0)))


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("reports", redis.ConnectionError),
        ("video", redis.TimeoutError),
        ("take_away", redis.ConnectionError),
        ("finish", redis.TimeoutError),
    ],
)
def test_a_connection_that_is_lost_on_the_way_fails_nothing(recording, monkeypatch, broken, error):
    recording.analyse()
    whole, calls = getattr(RecordingStore, broken), []

    def lost_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise error("Connection reset by peer")
        return whole(*arguments)

    monkeypatch.setattr(RecordingStore, broken, lost_once)
    check_done(recording, assemble.apply((recording.id, 0)))
    assert len(calls) > 1


def test_chunks_that_are_not_there_yet_are_waited_for(recording, monkeypatch):
    recording.analyse(0)
    waited, retry = [], assemble.retry

    def analysed_meanwhile(**how):
        waited.append(how["countdown"])
        recording.analyse(len(waited))
        return retry(**how)

    monkeypatch.setattr(assemble, "retry", analysed_meanwhile)
    check_done(recording, assemble.apply((recording.id, 2)))
    assert waited == [assemble_module.WAIT_SECONDS] * 2
