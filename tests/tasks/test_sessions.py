"""Models are loaded once in a worker's child, and before the first chunk where that is expected."""

import shutil
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tasks import sessions
from tests.tasks.lab import laboratory
from weights.manifest import WeightsRecord, read_record, write_record
from workers.process.launcher import WorkerPost, Workers
from workers.session import loading
from workers.session.needed_models import files_before_the_check


@pytest.fixture
def lab(phantom_weights, tmp_path):
    with laboratory(phantom_weights, tmp_path) as made:
        yield made


def test_a_worker_loads_what_it_expects_before_any_chunk_comes(lab):
    posts = [
        WorkerPost("early", ("a-queue",), expected=("pfld68", "openface3")),
        WorkerPost("late", ("a-queue",)),
    ]
    with Workers(posts, lab.configuration, lab.log) as workers:
        lab.until(lambda: lab.log.read_text().count(" ready.") == 2, workers, 60)
        lab.until(lambda: "models loaded on provider 'cpu'" in lab.log.read_text(), workers, 60)
    said = lab.log.read_text()
    assert said.count("models loaded") == 1
    assert "nothing loaded early" not in said


def test_a_worker_whose_expected_models_are_not_there_serves_on(lab, tmp_path):
    nothing = replace(lab.configuration, weights=tmp_path / "empty")
    with Workers(
        [WorkerPost("early", ("a-queue",), expected=("star98", "openface3"))], nothing, lab.log
    ) as workers:
        lab.until(lambda: "nothing loaded early" in lab.log.read_text(), workers, 60)
        lab.until(lambda: " ready." in lab.log.read_text(), workers, 60)
        workers.tend()
    said = lab.log.read_text()
    assert "retinaface_frame.onnx is missing" in said
    assert said.count(" ready.") == 1


def test_a_worker_takes_the_word_of_who_starts_it_for_the_weights_checksums(lab, tmp_path):
    weights = tmp_path / "weights"
    shutil.copytree(lab.configuration.weights, weights)
    record = read_record(weights)
    wrong = {name: replace(model, sha256="0" * 64) for name, model in record.models.items()}
    write_record(weights, WeightsRecord(wrong))
    checked = files_before_the_check(weights, "pfld68", "openface3")
    posts = [WorkerPost("early", ("a-queue",), expected=("pfld68", "openface3"))]
    for trusted, said in ((checked, "models loaded"), (checked[1:], "was changed or damaged")):
        told = replace(lab.configuration, weights=weights, checked=trusted)
        with Workers(posts, told, lab.log) as workers:
            lab.until(lambda said=said: said in lab.log.read_text(), workers, 60)


def test_a_chunk_that_comes_while_models_are_loaded_waits_for_these(lab, monkeypatch):
    loaded = []

    def load(*given):
        loaded.append(given)
        time.sleep(0.3)
        return SimpleNamespace(installed=())

    monkeypatch.setattr(loading, "load_models", load)
    sessions._load.cache_clear()
    early = threading.Thread(target=sessions._load_quietly, args=("star98", "openface3"))
    early.start()
    models = sessions.loaded_models("star98", "openface3")
    early.join()
    assert models is sessions.loaded_models("star98", "openface3")
    sessions._load.cache_clear()
    assert len(loaded) == 1


def test_what_loading_has_left_behind_is_released_once(monkeypatch):
    order = []
    monkeypatch.setattr(
        loading, "load_models", lambda *_: order.append("load") or SimpleNamespace(installed=())
    )
    monkeypatch.setattr(sessions, "release_unused_memory", lambda: order.append("release"))
    sessions._load.cache_clear()
    for _ in range(2):
        sessions.loaded_models("star98", "openface3")
    sessions._load.cache_clear()
    assert order == ["load", "release"]
