"""Failures in studies that hide names: neither Redis nor a log nor an error's chain tells one."""

import traceback

import pytest

from tasks.assemble import assemble
from tasks.feed import feed
from tasks.ingest import ingest
from tests.tasks.simulated_recording import simulated_recording

NAME = "Miller_1961"


@pytest.fixture
def recording(working_redis, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEMIRROR_REGISTER", str(tmp_path / "register"))
    folder = tmp_path / "Clinic_Doe"
    folder.mkdir()
    return simulated_recording(working_redis, folder, pseudonymize=True, name=NAME)


def broken_ingest(recording):
    recording.source.write_text("no video")
    return ingest.apply((recording.id,))


def broken_feed(recording):
    ingest.run(recording.id)
    recording.source.unlink()
    return feed.apply((recording.id, 0, 1))


def broken_assemble(recording):
    """A file stands where the folder of the outputs should be."""
    recording.read()
    recording.analyse()
    recording.out.write_text("no folder")
    return assemble.apply((recording.id, 0))


def broken_chunk(recording):
    recording.read()
    recording.store.fail_chunk(0, "why")
    return assemble.apply((recording.id, 0))


def chain(error):
    """An error and all that it carries along."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("broken", [broken_ingest, broken_feed, broken_assemble, broken_chunk])
def test_a_task_that_fails_tells_no_name(recording, broken, caplog):
    caplog.set_level("DEBUG")
    result = broken(recording)
    assert result.state == "FAILURE"
    outcome = recording.store.outcome()
    assert outcome.status == "failed"
    assert outcome.reason in str(result.result)
    told = [
        *map(str, chain(result.result)),
        *traceback.format_exception(result.result),
        result.traceback,
        caplog.text,
        repr(outcome),
    ]
    for part in ("Clinic", "Doe", "Miller", "1961"):
        assert not [line for line in told if part in line]
