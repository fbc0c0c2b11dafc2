"""Who may put how much on Redis: turns, budget, priority, and that nothing ever gets stuck."""

from collections import deque

import pytest

from tasks.admission import (
    CHUNKS_A_WORKER,
    PARTS_IN_BUDGET,
    PLANNED_AHEAD,
    PLANNED_AT_ONCE,
    REFILLED_AT,
    BegunRecording,
    OpenStudy,
    Part,
    admit,
    group_chunks,
)

QUEUE = "facemirror.analyze.0.any"
WORKERS = {QUEUE: frozenset("abcd")}


def recording(name, parts=4, size=10, chunks=2, **fields):
    listed = tuple(Part(n, chunks, size) for n in range(parts))
    return BegunRecording(id=name, **{"urgent": False, "queue": QUEUE, "parts": listed, **fields})


def sent(admissions):
    return [(name, part.number) for name, part in admissions.send]


def test_parts_go_in_order_until_workers_have_enough():
    study = OpenStudy(begun=(recording("a", parts=20), recording("b")))
    found = admit([study], WORKERS, held=0, budget=10**6)
    assert sent(found) == [("a", n) for n in range(CHUNKS_A_WORKER * len(WORKERS[QUEUE]) // 2)]


def test_a_second_recording_follows_when_the_first_is_sent():
    study = OpenStudy(begun=(recording("a", parts=1), recording("b", parts=1)))
    assert sent(admit([study], WORKERS, held=0, budget=10**6)) == [("a", 0), ("b", 0)]


def test_the_budget_is_kept():
    study = OpenStudy(begun=(recording("a", size=30),))
    assert sent(admit([study], WORKERS, held=25, budget=100)) == [("a", 0), ("a", 1)]
    busy = OpenStudy(begun=(recording("a", size=30, outstanding=1),))
    assert sent(admit([busy], WORKERS, held=71, budget=100)) == []


def test_a_part_larger_than_the_budget_goes_alone():
    study = OpenStudy(begun=(recording("a", size=300), recording("b", size=1)))
    assert sent(admit([study], WORKERS, held=0, budget=100)) == [("a", 0)]


def test_results_that_wait_for_the_disk_make_room_first():
    """Workers are faster than the disk: a part that does not fit waits, though no chunk does."""
    slow_disk = OpenStudy(begun=(recording("a", size=12, here=9),))
    assert sent(admit([slow_disk], WORKERS, held=95, budget=100)) == []
    others = OpenStudy(begun=(recording("b", size=12, parts=1),))
    assert sent(admit([slow_disk, others], WORKERS, held=95, budget=100)) == []
    assert sent(admit([others], WORKERS, held=95, budget=100)) == [("b", 0)]  # nobody makes room


def test_an_urgent_recording_waits_for_room_too():
    ordinary = OpenStudy(begun=(recording("a", outstanding=1),))
    urgent = OpenStudy(begun=(recording("b", urgent=True, parts=1, size=12),))
    assert sent(admit([ordinary, urgent], WORKERS, held=95, budget=100)) == []
    assert sent(admit([urgent], WORKERS, held=95, budget=100)) == [("b", 0)]


def test_what_waits_for_room_is_not_overtaken():
    busy = OpenStudy(begun=(recording("a", size=60, outstanding=2), recording("b", size=1)))
    assert sent(admit([busy], WORKERS, held=60, budget=100)) == []


def test_workers_that_still_have_some_are_sent_more_later_and_then_many():
    left = REFILLED_AT * len(WORKERS[QUEUE])
    enough = OpenStudy(begun=(recording("a", parts=20, outstanding=left),))
    assert sent(admit([enough], WORKERS, held=0, budget=10**6)) == []
    few = OpenStudy(begun=(recording("a", parts=20, outstanding=left - 1),))
    found = sent(admit([few], WORKERS, held=0, budget=10**6))
    assert found == [("a", n) for n in range(3)]  # of two chunks: from 7 up to 12, at least


def test_a_recording_that_is_being_fed_waits_while_others_go():
    feeding = recording("a", feeding=True)
    study = OpenStudy(begun=(feeding, recording("b", parts=1)), waiting=("c",))
    found = admit([study], WORKERS, held=0, budget=10**6)
    assert sent(found) == [("b", 0)]
    assert found.begin == []  # both have parts to be sent


def test_studies_take_turns():
    first = OpenStudy(begun=(recording("a", outstanding=6),))
    second = OpenStudy(begun=(recording("b"),))
    found = sent(admit([first, second], WORKERS, held=0, budget=10**6))
    assert found == [("b", 0), ("b", 1), ("b", 2)]


def test_studies_that_have_as_much_under_way_take_turns_part_by_part():
    studies = [OpenStudy(begun=(recording(name),)) for name in "abc"]
    found = sent(admit(studies, WORKERS, held=0, budget=10**6))
    assert found == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]


def test_no_more_recordings_are_planned_at_once_than_are_wanted_soon():
    planning = OpenStudy(begun=(recording("p", parts=0, planned=False),))
    studies = [OpenStudy(waiting=(f"{n}a", f"{n}b", f"{n}c")) for n in range(PLANNED_AT_ONCE)]
    found = admit([planning, *studies], WORKERS, 0, 100)
    assert len(found.begin) == PLANNED_AT_ONCE - 1
    assert found.begin[:3] == ["0a", "0b", "1a"]


def test_an_urgent_recording_overtakes_even_when_workers_have_enough():
    plenty = CHUNKS_A_WORKER * len(WORKERS[QUEUE])
    ordinary = OpenStudy(begun=(recording("a", outstanding=plenty),))
    urgent = OpenStudy(begun=(recording("b", urgent=True, parts=1),))
    assert sent(admit([ordinary, urgent], WORKERS, held=0, budget=10**6)) == [("b", 0)]


def test_nothing_is_sent_where_nobody_would_take_it():
    study = OpenStudy(begun=(recording("a", queue="facemirror.analyze.1.any"), recording("b")))
    assert {name for name, _ in sent(admit([study], WORKERS, 0, 10**6))} == {"b"}


def test_chunks_that_the_same_workers_will_take_count_wherever_they_are_queued():
    claimed, gone = "facemirror.analyze.0.cpu-x86_64", "facemirror.analyze.0.coreml-arm64"
    plenty = CHUNKS_A_WORKER * len(WORKERS[QUEUE])
    readers = {**WORKERS, claimed: WORKERS[QUEUE]}
    busy = OpenStudy(begun=(recording("a", queue=claimed, outstanding=plenty, parts=0),))
    left_behind = OpenStudy(begun=(recording("a", queue=gone, outstanding=plenty, parts=0),))
    new = OpenStudy(begun=(recording("b", parts=1),))
    assert sent(admit([busy, new], readers, 0, 10**6)) == []
    assert sent(admit([left_behind, new], readers, 0, 10**6)) == [("b", 0)]


def test_recordings_are_begun_a_few_ahead_and_in_order():
    waiting = ("c", "d", "e")
    planned = recording("a", parts=0)
    reading = recording("b", parts=0, planned=False)
    found = admit([OpenStudy(begun=(planned, reading), waiting=waiting)], WORKERS, 0, 100)
    assert found.begin == list(waiting[: PLANNED_AHEAD - 1])


@pytest.mark.parametrize("budget", [1, 50, 100, 1000])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("taken_a_step", [1, 3])
def test_everything_is_sent_in_the_end_whatever_the_budget(budget, workers, taken_a_step):
    """A small simulation: what is sent is analysed, one chunk a worker and step, and its results
    stay until they are taken to the disk, so many a step."""
    sizes = {"a": [30] * 7, "b": [500], "c": [5] * 40, "d": [120, 1, 120]}
    studies = [("a", "b"), ("c", "d")]
    taken = dict.fromkeys(sizes, 0)
    queue: deque[tuple[str, int]] = deque()
    results: deque[tuple[str, int]] = deque()
    order = []
    for _ in range(400):
        begun = [
            OpenStudy(
                begun=tuple(
                    BegunRecording(
                        id=name,
                        urgent=False,
                        queue=QUEUE,
                        outstanding=sum(1 for one, _ in queue if one == name),
                        here=sum(1 for one, _ in results if one == name),
                        parts=tuple(
                            Part(n, 1, size)
                            for n, size in enumerate(sizes[name])
                            if n >= taken[name]
                        ),
                    )
                    for name in names
                )
            )
            for names in studies
        ]
        held = sum(size for _, size in (*queue, *results))
        largest = max(size for one in sizes.values() for size in one)
        assert held <= max(budget, largest)
        for name, part in admit(begun, {QUEUE: frozenset("abc"[:workers])}, held, budget).send:
            assert part.number == taken[name]
            taken[name] += 1
            queue.append((name, part.size))
        assert (
            queue or results or all(taken[name] == len(sizes[name]) for name in sizes)
        )  # never idle
        for _ in range(min(taken_a_step, len(results))):
            results.popleft()
        for _ in range(min(workers, len(queue))):
            order.append(queue[0][0])
            results.append(queue.popleft())
    assert {name: order.count(name) for name in sizes} == {n: len(s) for n, s in sizes.items()}


def test_parts_hold_every_chunk_once_and_no_more_than_their_share():
    sizes = [3, 4, 5, 50, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    parts = group_chunks(sizes, budget=10 * PARTS_IN_BUDGET)
    assert [k for part in parts for k in range(*part)] == list(range(len(sizes)))
    for first, last in parts:
        assert last - first == 1 or sum(sizes[first:last]) <= 10
    assert group_chunks([], budget=1) == ()
