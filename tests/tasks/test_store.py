"""What a recording leaves on Redis, and for how long: pictures of patients go soon."""

import pytest

from tasks.messages import (
    RecordingFiles,
    RecordingOrder,
    RecordingOutcome,
    RunSettings,
    Study,
)
from tasks.store import HELD, KEPT, RecordingStore
from tasks.studies import StudyStore
from tests.tasks.plans import plan_of
from workers.chunk.order import AnalysisSettings, ChunkOrder
from workers.process.broker import redis_client
from workers.process.private_redis import PrivateRedis

ANALYSIS = AnalysisSettings(debug_video=True)
PACKED = b"rows and pictures"
FIGURES = {"held", "pace", "frames"}
ORDER = RecordingOrder(
    id="s.00001",
    study="s",
    label="smile.mp4",
    files=RecordingFiles(source="/a/smile.mp4", output="/out", name="smile"),
    settings=RunSettings(analysis=ANALYSIS),
    models=(),
    mix_providers=True,
)
PLAN = plan_of(ORDER)
CHUNK = ChunkOrder(
    recording="smile.mp4",
    start=0,
    stop=10,
    first=0,
    pts=tuple(range(10)),
    numerator=1,
    denominator=30,
    width=64,
    height=48,
    rotation=0,
    settings=ANALYSIS,
)


@pytest.fixture(scope="module")
def server():
    with PrivateRedis() as made:
        yield made


@pytest.fixture
def client(server):
    with redis_client(server.url) as made:
        made.flushall()
        yield made


@pytest.fixture
def store(client):
    """The store of a recording that is begun and planned."""
    study = StudyStore(client, "s")
    study.create(Study(id="s", name="smiles", created=1.0), [ORDER])
    study.begin(ORDER.id)
    made = RecordingStore(client, ORDER.id)
    made.put_plan(PLAN)
    return made


def names(client):
    return {key.decode().removeprefix("facemirror:") for key in client.scan_iter("*")}


def test_whatever_is_stored_on_the_way_expires(store, client):
    """After each step of a recording's way every key of it has an end."""
    steps = (
        lambda: None,
        lambda: store.put_chunk(0, CHUNK, b"compressed frames", 1000),
        lambda: store.put_fed(1),
        lambda: store.claim("cpu-x"),
        lambda: store.begin_chunk(0, "process", "pc"),
        lambda: store.put_progress(0, 5),
        lambda: store.put_result(0, PACKED, 10, "pc", 3.0),
        lambda: store.take_away([0]),
        lambda: store.fail_chunk(1, "why"),
        lambda: store.finish(RecordingOutcome(status="done")),
    )
    seen = set()
    for step in steps:
        step()
        left = {name: client.ttl(f"facemirror:{name}") for name in names(client)}
        endless = {name: ttl for name, ttl in left.items() if not 0 < ttl <= KEPT}
        assert endless.keys() <= FIGURES
        seen |= left.keys()
    kinds = "plan fed chunk:0 in:0 out:0 ready done begun:0 on frames failed claim"
    assert {f"s.00001:{kind}" for kind in [*kinds.split(), "results"]} <= seen


def test_the_figures_of_all_recordings_live_as_long_as_parts_are_fed(store, client):
    store.put_chunk(0, CHUNK, b"compressed frames", 1000)
    store.put_chunk(1, CHUNK, b"compressed frames", 1000)
    store.put_result(0, PACKED, 10, "pc", 3.0)
    store.put_fed(1)
    assert {name for name in FIGURES if 0 < client.ttl(f"facemirror:{name}") <= KEPT} == FIGURES


def test_segments_and_results_expire_each_of_its_own(store, client):
    store.put_chunk(0, CHUNK, b"compressed frames", 1000)
    assert 0 < client.ttl("facemirror:s.00001:in:0") <= KEPT
    store.put_result(0, PACKED, 10, "pc", 3.0)
    assert 0 < client.ttl("facemirror:s.00001:out:0") <= KEPT


def of_chunk(client, index):
    """What is on Redis of a chunk alone."""
    parts = (name.removeprefix("s.00001:").split(":") for name in names(client))
    return sorted(":".join(part) for part in parts if part[1:2] == [str(index)])


def test_a_result_takes_the_place_of_the_compressed_frames(store, client):
    store.put_chunk(0, CHUNK, b"compressed frames", 1000)
    assert of_chunk(client, 0) == ["chunk:0", "in:0"]
    store.put_result(0, PACKED, 10, "pc", 3.0)
    assert of_chunk(client, 0) == ["chunk:0", "out:0"]
    assert store.result(0) == PACKED


def test_what_is_taken_away_leaves_neither_rows_nor_videos(store, client):
    for index in (0, 1):
        store.put_chunk(index, CHUNK, b"compressed frames", 1000)
        store.put_result(index, PACKED, 10, "pc", 3.0)
    other = of_chunk(client, 1)
    store.take_away([0])
    assert of_chunk(client, 0) == []
    assert store.ready() == {1}
    assert list(client.hgetall(HELD)) == [b"s.00001:1"]
    assert of_chunk(client, 1) == other
    assert store.taken_away() == {0}
    assert store.has_result(0)


def test_a_finished_recording_leaves_its_outcome_only(store, client):
    store.put_chunk(0, CHUNK, b"compressed frames", 1000)
    store.put_result(0, PACKED, 10, "pc", 3.0)
    store.put_chunk(1, CHUNK, b"compressed frames", 1000)
    store.finish(RecordingOutcome(status="done"))
    assert names(client) == {
        "s:study",
        "s:orders",
        "s:outcomes",
        "studies",
        "open",
        "moves",
        "frames",
        "pace",
    }


@pytest.mark.parametrize(
    "late",
    [
        lambda store: store.put_chunk(1, CHUNK, b"compressed frames", 1000),
        lambda store: store.put_fed(2),
        lambda store: store.begin_chunk(1, "process", "pc"),
        lambda store: store.put_progress(1, 5),
        lambda store: store.put_result(1, PACKED, 10, "pc", 3.0),
    ],
)
def test_who_is_slower_than_the_end_of_a_recording_leaves_nothing_behind(store, client, late):
    store.finish(RecordingOutcome(status="cancelled"))
    late(store)
    assert not [name for name in names(client) if name.startswith("s.00001")]
    assert client.hgetall(HELD) == {}
