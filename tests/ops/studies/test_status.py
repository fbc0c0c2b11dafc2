"""`facemirror status` and `--watch`: what is told of a study, and how the command ends."""

from subprocess import CompletedProcess

import msgspec
import pytest
from rich.console import Console

from ops.studies.status import read_status, render
from ops.studies.submission import Request, StudyOptions, submit
from tasks.messages import PlannedChunk, RunSettings
from tasks.store import PACE
from tasks.studies import recording_id
from tests.recordings import Recipe, record
from tests.tasks.plans import plan_of
from workers.chunk.order import AnalysisSettings
from workers.process.broker import redis_client
from workers.process.presence import PREFIX, WorkerPresence, present_workers
from workers.process.private_redis import PrivateRedis

SETTINGS = RunSettings(analysis=AnalysisSettings(landmarks="pfld68"))
WORKER = "facemirror@mac-1"
SIMULATED = ("--provider", "simulated")


@pytest.fixture
def client():
    """A Redis on which one worker is there."""
    with PrivateRedis() as server, redis_client(server.url) as client:
        presence = WorkerPresence(name=WORKER, provider="cpu", queues=("q",), version="0")
        client.set(PREFIX + WORKER, msgspec.json.encode(presence))
        yield client


@pytest.fixture
def half_done(client, tmp_path):
    """A study of two recordings: of the first's 100 frames 30 are done, the second waits."""
    requests = [
        Request(source=tmp_path / name, name=name, settings=SETTINGS, models=())
        for name in ("first", "second")
    ]
    study = submit(client, requests, StudyOptions(out=tmp_path))
    recording = recording_id(study.id, 1)
    study.begin(recording)
    store = study.recording(recording)
    order = store.order()
    assert order is not None
    chunks = (PlannedChunk(0, 50, 0, 0, 50, 1000), PlannedChunk(50, 100, 50, 50, 100, 1000))
    store.put_plan(plan_of(order, chunks))
    store.begin_chunk(0, "process", WORKER)
    store.put_progress(0, 30)
    return study


@pytest.mark.parametrize(("pace", "left"), [(5.0, 34.0), (0.5, 340.0), (170.0, 1.0)])
def test_time_left_is_frames_left_over_frames_a_second(client, half_done, pace, left):
    client.hset(PACE, WORKER, pace)
    found = read_status(client, half_done)
    # 70 frames of the recording in work, and 100 of the other, which is guessed to be as long.
    assert (found.frames_per_second, found.seconds_left) == (pace, left)


def test_time_left_is_told_in_hours_minutes_and_seconds(client, half_done):
    client.hset(PACE, WORKER, 0.04)
    console = Console(width=100)
    with console.capture() as told:
        console.print(render(read_status(client, half_done)))
    assert "about 1:10:50 left" in told.get()


def test_no_time_is_told_where_nobody_works(client, half_done):
    client.hset(PACE, WORKER, 5.0)
    client.delete(PREFIX + WORKER)
    assert present_workers(client) == []
    assert read_status(client, half_done).seconds_left is None


def test_watching_ends_as_the_study_does_simulated(lab, tmp_path):
    lab.start("server", "server")
    lab.start("worker", "worker", *SIMULATED, "--workers", 1)
    good = record(tmp_path / "good.mp4", Recipe(frames=20))
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a video\n" * 99)

    def submit_and_watch(recording) -> "CompletedProcess[str]":
        return lab.run("submit", recording, "--out", tmp_path / "out", *SIMULATED, "--watch")

    failed = submit_and_watch(bad)
    assert failed.returncode == 1, failed.stderr
    assert lab.run("status", failed.stdout.strip(), "--watch").returncode == 1
    done = submit_and_watch(good)
    assert done.returncode == 0, done.stderr
    assert lab.run("status", done.stdout.strip(), "--watch").returncode == 0
