"""What counts as a worker's death, and what does not."""

import pytest
import redis

from tasks import starts
from tasks.analyze import STARTS, analyze
from tasks.assemble import assemble
from tasks.feed import feed
from tasks.ingest import ingest
from tasks.store import RecordingStore
from tests.tasks.simulated_recording import simulated_recording
from workers.process.app import app


@pytest.fixture
def recording(working_redis, tmp_path):
    return simulated_recording(working_redis, tmp_path)


def failing(monkeypatch, method, times):
    """A method of the store that finds no Redis, so many times."""
    whole, calls = getattr(RecordingStore, method), []

    def failing_first(*arguments):
        calls.append(arguments)
        if len(calls) <= times:
            raise redis.ConnectionError("Connection refused")
        return whole(*arguments)

    monkeypatch.setattr(RecordingStore, method, failing_first)
    return calls


def test_a_redis_that_is_away_again_and_again_kills_no_chunk(recording, monkeypatch):
    """Nor can it be told each time that nobody has died."""
    recording.read()
    calls = failing(monkeypatch, "put_result", STARTS + 2)
    failing(monkeypatch, "forgive_start", STARTS + 2)
    assert analyze.apply((recording.id, 0)).get() == "chunk 0"
    assert len(calls) == STARTS + 3
    assert recording.store.failures() == {}
    assert recording.store.has_result(0)
    assert recording.store.starts("0") == 1


def test_an_ingest_survives_outages_too(recording, monkeypatch):
    failing(monkeypatch, "put_plan", STARTS + 2)
    assert ingest.apply((recording.id,)).get() == "smile.mp4: 60 frames in 3 chunks"
    assert recording.store.starts(starts.INGEST) == 1


def test_an_outage_of_one_process_is_none_of_the_next_ones_starts(recording, monkeypatch):
    """Each time another process takes the chunk; the one before was forgiven."""
    recording.read()
    for process in range(STARTS + 2):
        monkeypatch.setattr(starts, "_PARENT", f"machine-{process}")
        with monkeypatch.context() as broken:
            failing(broken, "put_result", 1)
            with pytest.raises(redis.ConnectionError):
                analyze.__wrapped__(recording.id, 0)
    assert recording.store.starts("0") == 0


def test_what_redis_could_not_be_told_it_is_told_later(recording, tmp_path):
    recording.read()
    recording.store.begin_chunk(0, starts.process_name(), "pc")
    recording.store.begin_chunk(0, starts.process_name(4711), "pc")
    here = app.conf.broker_url
    app.conf.broker_url = f"redis+socket://{tmp_path}/nobody.sock"
    starts.forgive(recording.id, "0", 4711)
    app.conf.broker_url = here
    assert recording.store.starts("0") == 2
    recording.analyse(1)
    assert recording.store.starts("0") == 1


def test_processes_that_began_a_chunk_and_never_came_back_have_died(recording):
    recording.read()
    for death in range(STARTS - 1):
        recording.store.begin_chunk(0, f"process-{death}", "pc")
        recording.store.begin_chunk(0, f"process-{death}", "pc")  # a repeated command
    recording.store.begin_chunk(1, "process-0", "pc")
    recording.analyse(1)
    assert recording.store.has_result(1)
    recording.store.begin_chunk(0, "the third", "pc")
    recording.analyse(0)
    assert recording.store.failures() == {0: "its worker died 3 times while analysing it"}


def told_to_stop(*_):
    """As a worker is that imports an extension module."""
    try:
        raise SystemExit(-241)
    except SystemExit as stop:
        raise ImportError("initialization failed") from stop


@pytest.mark.parametrize(
    ("task", "where", "arguments"),
    [
        (ingest, "tasks.store.RecordingStore.put_plan", ()),
        (feed, "tasks.feed._store_chunks", (0, 1)),
        (analyze, "tasks.analyze._result", (0,)),
        (assemble, "tasks.outputs.folder.write_outputs", (2,)),
    ],
)
def test_a_worker_that_is_told_to_stop_while_it_imports_fails_nothing(
    task, where, arguments, recording, monkeypatch
):
    if task is feed:
        ingest.run(recording.id)
    if task in (analyze, assemble):
        recording.read()
    if task is assemble:
        recording.analyse()
        for part in (0, 1):
            assemble.apply((recording.id, part)).get()
    with monkeypatch.context() as broken:
        broken.setattr(where, told_to_stop)
        with pytest.raises(SystemExit):
            task.__wrapped__(recording.id, *arguments)
    assert recording.store.outcome() is None
    assert recording.store.failures() == {}
