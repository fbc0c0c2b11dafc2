"""Parts of a recording on their way: in order, each once, whatever is asked twice."""

import pytest

from tasks import feed as feed_module
from tasks.feed import feed
from tasks.ingest import ingest
from tests.tasks.simulated_recording import simulated_recording


@pytest.fixture
def recording(working_redis, tmp_path):
    """It is planned, in three parts."""
    made = simulated_recording(working_redis, tmp_path)
    ingest.run(made.id)
    assert len(made.plan.parts) == 3
    return made


@pytest.fixture
def sent(monkeypatch):
    """The parts whose chords were started."""
    parts = []
    monkeypatch.setattr(feed_module, "send_part", lambda _plan, part, _claimed: parts.append(part))
    return parts


def test_parts_go_in_order_in_one_message(recording, sent):
    assert feed.apply((recording.id, 0, 2)).get() == "smile.mp4 frames 0\N{EN DASH}39"
    assert sent == [0, 1]
    assert recording.store.fed() == 2
    assert feed.apply((recording.id, 2, 3)).get() == "smile.mp4 frames 40\N{EN DASH}59"
    assert sent == [0, 1, 2]


def test_what_was_sent_before_a_death_is_not_sent_again(recording, sent):
    feed.apply((recording.id, 0, 1)).get()
    feed.apply((recording.id, 0, 3)).get()
    assert sent == [0, 1, 2]
    assert feed.apply((recording.id, 0, 3)).get() == "nothing to do"
    assert sent == [0, 1, 2]


def test_parts_before_them_that_others_are_sending_are_waited_for(recording, sent, monkeypatch):
    retry, waited = feed.retry, []

    def sent_meanwhile(**how):
        waited.append(how["countdown"])
        recording.store.put_fed(1)
        return retry(**how)

    monkeypatch.setattr(feed, "retry", sent_meanwhile)
    feed.apply((recording.id, 1, 3)).get()
    assert (sent, waited) == ([1, 2], [feed_module.WAIT_SECONDS])
