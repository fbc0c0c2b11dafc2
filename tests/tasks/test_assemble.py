"""Assemble when something goes wrong for a moment: it tries again, and nothing is lost."""

import pytest
import redis

from tasks import assemble as assemble_module
from tasks.assemble import assemble
from tasks.outputs.spool import ChunkSpool
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
    monkeypatch.setattr("tasks.assemble.shared_client", lambda _: next(clients))
    check_done(recording, assemble.apply((recording.id, 0)))


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("ready", redis.ConnectionError),
        ("result", redis.TimeoutError),
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


def test_redis_forgets_nothing_that_the_disk_did_not_take(recording, monkeypatch):
    recording.analyse()
    chunks = set(range(len(recording.plan.chunks)))

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(ChunkSpool, "settle", full)
    with pytest.raises(OSError, match="no space left"):
        assemble_module._take_results(recording.plan, recording.store)
    assert recording.store.ready() == chunks
    assert all(recording.store.result(k) for k in chunks)


def test_the_disk_is_waited_for_once_for_many_chunks(recording, monkeypatch):
    recording.analyse()
    settle, settled = ChunkSpool.settle, []
    monkeypatch.setattr(ChunkSpool, "settle", lambda spool: settled.append(settle(spool)))
    monkeypatch.setattr(assemble_module, "TAKEN_AT_ONCE", 2)
    assert len(recording.plan.chunks) == 3
    assert assemble_module._take_results(recording.plan, recording.store) == {0, 1, 2}
    assert len(settled) == 2
