"""What the dispatcher makes of what is on Redis."""

import msgspec
import pytest

from tasks.dispatch import LOST_SECONDS, STALLED_SECONDS, Dispatcher
from tasks.feed import recording_queue
from tasks.store import HELD
from tests.tasks.simulated_recording import BUDGET, simulated_recording
from workers.process.arithmetic import arithmetic
from workers.process.broker import IN_HAND
from workers.process.presence import PREFIX, WorkerPresence
from workers.process.queues import FILES_QUEUE, ORDINARY, URGENT
from workers.session.backends import SIMULATED_BACKEND


class Sender(Dispatcher):
    """Keeps what it would send, instead of sending it: task and arguments."""

    sent: list[tuple[str, tuple[object, ...]]]
    priorities: dict[str, int]

    def _send(self, task, order, arguments, priority):
        self.sent.append((task.name, arguments))
        self.priorities[task.name] = priority


def fed(sender) -> list[tuple[object, ...]]:
    """What feed was asked for: a recording, and from which of its parts on."""
    return [arguments[:2] for task, arguments in sender.sent if task == "feed"]


@pytest.fixture
def sender(working_redis):
    made = Sender(working_redis, FILES_QUEUE, BUDGET, lambda: 0.0)
    made.sent, made.priorities = [], {}
    return made


@pytest.fixture
def clock(monkeypatch, sender):
    """What time it is for the sender: set it as an item."""
    now = [0.0]
    monkeypatch.setattr(sender, "_clock", lambda: now[0])
    return now


@pytest.fixture
def recording(working_redis, tmp_path):
    """Its first part is on Redis, and a worker is there."""
    made = simulated_recording(working_redis, tmp_path)
    made.read(0)
    order = made.plan.order
    queues = tuple(
        recording_queue(order, claimed) for claimed in (None, arithmetic(SIMULATED_BACKEND))
    )
    pc = WorkerPresence(name="pc", provider="simulated", queues=queues, version="1")
    working_redis.set(f"{PREFIX}pc", msgspec.json.encode(pc))
    return made


def test_results_that_fill_the_budget_are_taken_to_the_disk_before_more_is_read(
    recording, sender, working_redis
):
    recording.analyse(0)
    working_redis.hset(HELD, f"{recording.id}:0", BUDGET)
    sender.step()
    assert not fed(sender)
    recording.store.take_away([0])
    sender.step()
    assert fed(sender) == [(recording.id, 1)]


def test_workers_are_fed_before_new_recordings_are_read(recording, sender, working_redis):
    sender.step()
    assert (sender.priorities["feed"], sender.priorities["ingest"]) == (URGENT, ORDINARY)


def test_what_goes_on_with_a_recording_is_seen_while_parts_of_it_wait(
    recording, sender, working_redis
):
    """Others fill the budget: the next part goes only when nothing of this one is on its way."""
    working_redis.hset(HELD, "others.00001:0", BUDGET)
    sender.step()
    assert not fed(sender)
    recording.analyse(0)
    recording.store.take_away([0])
    sender.step()
    assert fed(sender) == [(recording.id, 1)]


@pytest.mark.parametrize(("in_hand", "after"), [(0, STALLED_SECONDS), (1, LOST_SECONDS)])
def test_outputs_that_nobody_writes_any_more_are_asked_for_again(
    in_hand, after, recording, sender, clock, working_redis
):
    """Every chunk was taken to the disk; then Redis forgot whoever was to write the outputs."""
    chunks = range(len(recording.plan.chunks))
    recording.read()
    recording.analyse(*chunks)
    recording.store.take_away(chunks)
    for _ in range(in_hand):
        working_redis.hset(IN_HAND, "a message", "that is somebody's")
    sender.step()
    clock[0] = after - 1.0
    sender.step()
    last = ("assemble", (recording.id, len(recording.plan.parts) - 1))
    assert last not in sender.sent
    clock[0] = after + STALLED_SECONDS + 1.0
    sender.step()
    assert sender.sent.count(last) == 1
