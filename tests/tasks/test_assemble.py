"""Assemble when something goes wrong for a moment: it tries again, and nothing is lost."""

from itertools import chain, repeat

import msgspec
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


def assembled(recording):
    """As all callbacks do, one after the other; the last one's result."""
    results = [assemble.apply((recording.id, k)) for k in range(len(recording.plan.parts))]
    assert [result.get() for result in results[:-1]] == [
        f"smile.mp4: {k + 1} of 3 chunks" for k in range(2)
    ]
    return results[-1]


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
    clients = chain([nobody, nobody], repeat(working_redis))
    monkeypatch.setattr("tasks.assemble.shared_client", lambda _: next(clients))
    check_done(recording, assembled(recording))


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
    check_done(recording, assembled(recording))
    assert len(calls) > 1


def test_chunks_that_are_not_there_yet_are_waited_for(recording, monkeypatch):
    recording.analyse(0)
    waited, retry = [], assemble.retry

    def analysed_meanwhile(**how):
        waited.append(how["countdown"])
        recording.analyse(len(waited))
        return retry(**how)

    monkeypatch.setattr(assemble, "retry", analysed_meanwhile)
    assert assemble.apply((recording.id, 2)).get() == "smile.mp4: 1 of 3 chunks"
    assert waited == [assemble_module.WAIT_SECONDS] * 2


def in_one_part(recording):
    """Its plan, and all that was analysed."""
    recording.analyse()
    return msgspec.structs.replace(recording.plan, parts=((0, 3),))


def test_redis_forgets_nothing_that_the_disk_did_not_take(recording, monkeypatch):
    plan = in_one_part(recording)

    def full(_):
        raise OSError("no space left")

    monkeypatch.setattr(ChunkSpool, "settle", full)
    with pytest.raises(OSError, match="no space left"):
        assemble_module._take_part(plan, 0, recording.store)
    assert recording.store.ready() == {0, 1, 2}
    assert all(recording.store.result(k) for k in range(3))


def test_the_disk_is_waited_for_once_for_a_part(recording, monkeypatch):
    plan = in_one_part(recording)
    settle, settled = ChunkSpool.settle, []
    monkeypatch.setattr(ChunkSpool, "settle", lambda spool: settled.append(settle(spool)))
    assert assemble_module._take_part(plan, 0, recording.store) == {0, 1, 2}
    assert len(settled) == 1


def test_of_callbacks_side_by_side_the_one_that_took_the_last_part_writes_the_outputs(
    recording, monkeypatch
):
    """The second and the third take theirs before the first has looked how far the recording is."""
    recording.analyse()
    take_away, finished = RecordingStore.take_away, []
    monkeypatch.setattr(assemble_module, "_finish", lambda *_: finished.append(1) or "done")

    def before_others(store, indices):
        done = take_away(store, indices)
        if 0 in indices:
            for part in (1, 2):
                assemble.apply((recording.id, part)).get()
        return done

    monkeypatch.setattr(RecordingStore, "take_away", before_others)
    assert assemble.apply((recording.id, 0)).get() == "smile.mp4: 1 of 3 chunks"
    assert len(finished) == 1
