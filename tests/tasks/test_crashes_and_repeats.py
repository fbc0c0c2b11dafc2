"""Tasks that run twice, workers that die, chords that break: on real Redis, with real workers."""

import io
import threading
import time
from dataclasses import replace

import msgspec
import pytest

from tasks.analyze import STARTS, analyze
from tasks.assemble import assemble
from tasks.feed import recording_queue
from tasks.results import pack_result, read_numbers, read_video
from tests.ops.outputs import Outputs
from tests.tasks.lab import LEASE_SECONDS, worker_parents
from workers.face.mirroring import SIDES
from workers.process.broker import messages_in_hand, queue_length
from workers.process.presence import PREFIX, WorkerPresence
from workers.process.queues import FILES_QUEUE
from workers.session.backends import SIMULATED_BACKEND


def tables(lab, name):
    folder = lab.out / name
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if ".csv" in p.name}


@pytest.fixture(scope="module")
def calm_result(server, face_clip, tmp_path_factory):
    """The tables of a run in which nothing went wrong."""
    lab = replace(server, out=tmp_path_factory.mktemp("calm"))
    with lab.workers(1) as workers:
        outcome = lab.wait(lab.submit(face_clip, chunk_frames=20), workers)
    assert outcome.status == "done", outcome.reason
    return tables(lab, face_clip.stem)


def test_nothing_but_the_record_of_the_study_stays_on_redis(lab, face_clip):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        assert lab.wait(submission, workers).status == "done"
        lab.until(submission.study.close_if_ended, workers, 10)
        lab.until(lambda: not lab.client.exists("unacked"), workers, 30)
    kept = {f"facemirror:{submission.study.id}:{n}" for n in ("study", "orders", "outcomes")}
    presences = f"{PREFIX}*"  # of workers that had no time to say goodbye they fade by themselves
    lab.until(lambda: not list(lab.client.scan_iter(presences)), None, 60)
    left = {key.decode() for key in lab.client.scan_iter("*")}
    # Celery marks a finished chord for five minutes, so that its callback is not sent twice.
    marks = {key for key in left if key.startswith("celery-taskset-meta-") and key.endswith(".c")}
    assert all(0 < lab.client.ttl(mark) <= 300 for mark in marks)
    assert {key for key in left - marks if not key.startswith("_kombu")} == {
        *kept,
        "facemirror:studies",
        "facemirror:moves",
        "facemirror:pace",
        "facemirror:frames",
    }
    assert all(lab.client.ttl(key) > 0 for key in {*kept, "facemirror:studies"})


def test_a_killed_child_costs_nothing_but_time(lab, face_clip, calm_result):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 5)
        (parent,) = worker_parents("analyst-0")
        for child in parent.children():
            child.kill()
        assert lab.wait(submission, workers).status == "done"
    assert tables(lab, face_clip.stem) == calm_result


def test_a_killed_worker_costs_nothing_but_time(lab, face_clip, calm_result):
    with lab.workers(2) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 5)
        (parent,) = worker_parents("analyst-0")
        parent.kill()
        assert lab.wait(submission, workers).status == "done"
    assert tables(lab, face_clip.stem) == calm_result


def test_a_chunk_that_always_kills_its_worker_fails_its_recording(lab, face_clip):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip)
        stop = threading.Event()

        def kill_whoever_starts():
            seen = 0
            while not stop.wait(0.05):
                starts = submission.store.starts("0")
                if seen < min(starts, STARTS):
                    seen = starts
                    for parent in worker_parents("analyst-0"):
                        for child in parent.children():
                            child.kill()

        killer = threading.Thread(target=kill_whoever_starts)
        killer.start()
        try:
            outcome = lab.wait(submission, workers)
        finally:
            stop.set()
            killer.join()
    assert outcome.status == "failed"
    assert f"its worker died {STARTS} times" in outcome.reason
    assert not (lab.out / face_clip.stem).exists()


def test_a_living_workers_chunk_is_not_given_away_however_long_it_takes(lab, face_clip):
    """The chunk takes several leases, by a simulated session, and a second worker is idle."""
    seconds_a_frame = 3 * LEASE_SECONDS / 60
    slow = replace(lab.configuration, backend=SIMULATED_BACKEND, simulated_seconds=seconds_a_frame)
    lab = replace(lab, configuration=slow)
    with lab.workers(2) as workers:
        submission = lab.submit(face_clip, provider="simulated")
        begun = time.monotonic()
        lab.wait_for_frames(submission, 50, workers, seconds=200)
        assert [submission.store.starts(work) for work in ("ingest", "0")] == [1, 1]
        assert lab.wait(submission, workers, seconds=200).status == "done"
    assert time.monotonic() - begun > 2 * LEASE_SECONDS


def test_a_chord_that_lost_its_count_is_reconciled(lab, face_clip, calm_result, monkeypatch):
    monkeypatch.setattr("tasks.dispatch.STALLED_SECONDS", 1.0)
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 5)
        client = lab.client
        counters = list(client.scan_iter("celery-taskset-meta-*"))
        assert counters
        client.delete(*counters)
        assert lab.wait(submission, workers).status == "done"
    assert tables(lab, face_clip.stem) == calm_result


def test_a_task_repeated_after_the_end_changes_nothing(lab, face_clip, calm_result):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait(submission, workers)
    before = {p.name: p.stat().st_mtime_ns for p in (lab.out / face_clip.stem).iterdir()}
    assert analyze.run(submission.id, 0) == "chunk 0"
    assert assemble.run(submission.id, 0) == "nothing to do"
    assert {p.name: p.stat().st_mtime_ns for p in (lab.out / face_clip.stem).iterdir()} == before


def test_analysing_a_chunk_again_returns_its_index_and_starts_nothing(lab, face_clip):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 25)
        assert analyze.run(submission.id, 0) == "chunk 0"
        assert submission.store.starts("0") == 1
        assert lab.wait(submission, workers).status == "done"


def test_callbacks_at_once_leave_one_whole_set_of_files(lab, face_clip, calm_result):
    with lab.workers(1, files=3) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        for _ in range(3):
            assemble.apply_async((submission.id, 0), queue=FILES_QUEUE)
        assert lab.wait(submission, workers).status == "done"
    assert tables(lab, face_clip.stem) == calm_result
    assert not list((lab.out / face_clip.stem).glob(".partial*"))


def test_a_callback_that_comes_too_early_waits_for_every_chunk(lab, face_clip, calm_result):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 1)
        assemble.apply_async((submission.id, 0), queue=FILES_QUEUE)
        assert lab.wait(submission, workers).status == "done"
    assert tables(lab, face_clip.stem) == calm_result


def as_if_on_a_mac(lab, submission):
    """The report of the first chunk is changed as if it had run elsewhere, before it is taken."""
    store = submission.store
    lab.until(store.ready, None, 60)
    index = min(store.ready())
    packed = store.result(index)
    numbers = read_numbers(io.BytesIO(packed))
    other = msgspec.structs.replace(
        numbers.report, provider="coreml", arithmetic="coreml-Apple_M2-0123abcd", worker="mac-3"
    )
    videos = {name: read_video(io.BytesIO(packed), name) for name in SIDES}
    changed = pack_result(numbers.pts, numbers.rows, videos, other)
    lab.client.set(store._key(f"out:{index}"), changed, keepttl=True)


def test_chunks_of_unlike_workers_are_not_mixed(lab, face_clip):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        as_if_on_a_mac(lab, submission)
        outcome = lab.wait(submission, workers)
    assert outcome.status == "failed"
    assert "unlike machines" in outcome.reason
    assert "mac-3: coreml-Apple_M2" in outcome.reason


def test_chunks_of_unlike_workers_are_mixed_and_named_where_the_study_allows_it(lab, face_clip):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20, mix_providers=True)
        as_if_on_a_mac(lab, submission)
        outcome = lab.wait(submission, workers)
    assert outcome.status == "done", outcome.reason
    assert "its frames were measured on unlike machines: see measured_by" in outcome.warnings
    run = Outputs(lab.out / face_clip.stem).run
    assert run["provider"] == "mixed"
    by = {one["provider"]: one["frames"] for one in run["measured_by"]}
    assert set(by) == {"coreml", "cpu"}
    assert len(by["coreml"]) == 1
    assert sorted(by["coreml"] + by["cpu"]) == run["chunks"]


def test_chunks_of_a_recording_that_others_have_begun_are_handed_on_to_them(lab, face_clip):
    """A Mac has begun the recording; a CPU worker that gets its chunks passes them on, unread."""
    mac = "coreml-arm64-ort1_23_0"
    with lab.workers(0):
        submission = lab.submit(face_clip, chunk_frames=20)
        order = submission.study.order(submission.id)
        queue = recording_queue(order, None)
        here = WorkerPresence(name="facemirror@pc", provider="cpu", queues=(queue,), version="1")
        lab.client.set("facemirror:worker:facemirror@pc", msgspec.json.encode(here))
        lab.until(lambda: queue_length(lab.client, queue) == 3, None, 60)
    assert submission.store.claim(mac) == mac
    handed_on = recording_queue(order, mac)
    with lab.workers(1):
        lab.until(lambda: queue_length(lab.client, handed_on) == 3, None, 60)
    assert submission.store.progress().analysed == 0
    assert not submission.store.failures()


def test_a_killed_files_worker_costs_nothing_but_time(lab, face_clip, calm_result):
    with lab.workers(1) as workers:
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 5)
        for parent in worker_parents("files-0"):
            parent.kill()
        assert lab.wait(submission, workers).status == "done"
    assert tables(lab, face_clip.stem) == calm_result


def test_an_ingest_that_fails_unexpectedly_says_so(lab, tmp_path):
    """The source is a folder: what no check before it has caught."""
    with lab.workers(1) as workers:
        outcome = lab.wait(lab.submit(tmp_path), workers)
    assert outcome.status == "failed"
    assert outcome.reason


def test_results_of_a_recording_that_is_over_are_not_kept(lab, face_clip):
    """Its submitter has gone; a worker finishes its chunk only now."""
    with lab.workers(1):
        submission = lab.submit(face_clip, chunk_frames=20)
        lab.wait_for_frames(submission, 1)
        submission.study.cancel()
        lab.until(lambda: not messages_in_hand(lab.client), None, 60)
        left = list(lab.client.scan_iter("facemirror:*"))
    pictures = (b":in:", b":out:", b":rows:")
    assert not [key for key in left if any(kind in key for kind in pictures)]
