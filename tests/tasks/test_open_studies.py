"""What a dispatcher reads of the open studies: what has moved, however many have not."""

import pytest

from tasks.dispatch import Dispatcher
from tasks.messages import (
    PlannedChunk,
    RecordingFiles,
    RecordingOrder,
    RecordingOutcome,
    RunSettings,
    Study,
)
from tasks.open_studies import LISTED_SECONDS, READ_IN_TURN, OpenStudies
from tasks.store import MOVES
from tasks.studies import StudyStore, recording_id
from tests.tasks.plans import plan_of
from workers.chunk.order import AnalysisSettings
from workers.process.queues import FILES_QUEUE

CHUNKS = (PlannedChunk(0, 50, 0, 0, 50, 1000), PlannedChunk(50, 100, 50, 50, 100, 1000))
DONE = RecordingOutcome(status="done")
EACH = 10


def order(study: str, number: int, **more) -> RecordingOrder:
    return RecordingOrder(
        id=recording_id(study, number),
        study=study,
        label="r.mp4",
        files=RecordingFiles(source="/in/r.mp4", output=f"/out/{study}", name=f"r{number}"),
        settings=RunSettings(analysis=AnalysisSettings()),
        models=(),
        **more,
    )


def submit(client, study: str, created: float, queue=FILES_QUEUE) -> StudyStore:
    store = StudyStore(client, study)
    record = Study(id=study, name=study, created=created, files_queue=queue)
    store.create(record, [order(study, n, files_queue=queue) for n in range(1, EACH + 1)])
    return store


def calls(client) -> int:
    """Commands that Redis was ever sent, those that ask for this left out."""
    told = client.info("commandstats")
    return sum(one["calls"] for name, one in told.items() if name != "cmdstat_info")


class Sender(Dispatcher):
    """Sends nothing: no recording moves by itself."""

    def _send(self, task, order, arguments, priority):
        pass


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def open_studies(working_redis, now):
    return OpenStudies(working_redis, FILES_QUEUE, lambda: now[0])


def ids(views) -> list[str]:
    return [view.store.id for view in views]


@pytest.mark.parametrize("planned", [False, True])
def test_a_steps_commands_do_not_hang_on_studies_that_stand_still(working_redis, planned):
    """planned: each has recordings that wait for a worker, else all wait to be planned."""
    used = {}
    for count in (20, 200):
        working_redis.flushall()
        for n in range(count):
            store = submit(working_redis, f"s{n:03d}", float(n))
            for number in (1, 2) if planned else ():
                wanted = order(store.id, number)
                store.begin(wanted.id)
                store.recording(wanted.id).put_plan(plan_of(wanted, CHUNKS))
        sender = Sender(working_redis, FILES_QUEUE, 10**9, lambda: 0.0)
        for _ in range(3):
            sender.step()
        before = calls(working_redis)
        sender.step()
        used[count] = calls(working_redis) - before
    assert used[200] == used[20]
    assert used[200] < 150


def test_studies_are_seen_oldest_first_with_what_waits_and_is_begun(working_redis, open_studies):
    for study, created in (("b", 1.0), ("a", 2.0)):
        submit(working_redis, study, created)
    store = StudyStore(working_redis, "b")
    store.begin(recording_id("b", 1))
    first, second = open_studies.look()
    assert (first.store.id, second.store.id) == ("b", "a")
    assert first.begun == (recording_id("b", 1),)
    assert first.waiting[0] == (recording_id("b", 2), ("/out/b", "r2"))


def test_what_moves_is_seen_at_the_next_look(working_redis, open_studies):
    for n in range(20 * READ_IN_TURN):
        submit(working_redis, f"s{n:03d}", float(n))
    open_studies.look()
    new = submit(working_redis, "new", 99.0)
    assert "new" in ids(open_studies.look())
    new.recording(recording_id("new", 1)).finish(DONE)
    (view,) = (one for one in open_studies.look() if one.store.id == "new")
    assert view.waiting[0][0] == recording_id("new", 2)
    assert new.cancel() == EACH - 1
    assert "new" not in ids(open_studies.look())
    assert new.retry(frozenset({"cancelled"}))
    assert "new" in ids(open_studies.look())


def test_a_study_that_is_gone_or_of_another_queue_is_not_seen(working_redis, open_studies):
    submit(working_redis, "mine", 1.0)
    submit(working_redis, "others", 2.0, queue="facemirror.files.elsewhere")
    forgotten = submit(working_redis, "forgotten", 3.0)
    working_redis.delete("facemirror:forgotten:study")
    assert ids(open_studies.look()) == ["mine"]
    assert forgotten.id.encode() not in working_redis.smembers("facemirror:open")


def test_nothing_is_missed_for_long_though_redis_forgot_what_moved(
    working_redis, open_studies, now
):
    for n in range(2 * READ_IN_TURN):
        submit(working_redis, f"s{n:03d}", float(n))
    open_studies.look()
    submit(working_redis, "new", 99.0)
    last = StudyStore(working_redis, f"s{2 * READ_IN_TURN - 1:03d}")
    last.cancel()
    working_redis.delete(MOVES)
    assert "new" not in ids(open_studies.look())
    now[0] = LISTED_SECONDS
    assert "new" in ids(open_studies.look())
    for _ in range(3):
        seen = ids(open_studies.look())
    assert last.id not in seen
