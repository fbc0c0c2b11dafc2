"""The benchmark of the queue, with one simulated Mac for a few seconds."""

import json

import pytest

from ops.bench.queue.__main__ import served
from ops.bench.queue.film import bytes_a_frame, draw, example, lengthen
from ops.bench.queue.measuring import Load
from tests.ops.outputs import Outputs
from workers.chunk.order import AnalysisSettings
from workers.process.app import app
from workers.video.reading.index import read_index

FRAMES = 20


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "short.mp4"
    draw(path, FRAMES)
    return path


@pytest.fixture(scope="module")
def given(short):
    return example(short, AnalysisSettings(), FRAMES)


def test_a_long_recording_repeats_a_short_one(short, tmp_path):
    lengthen(short, tmp_path / "long.mp4", 50)
    index = read_index(tmp_path / "long.mp4")
    assert index.frame_count == 50
    assert [frame for frame, key in enumerate(index.key_frames) if key] == [0, 20, 40]
    assert (index.times_sorted, index.times_filled) == (False, 0)


def test_what_travels_is_as_large_as_of_a_camera(short, given):
    found = bytes_a_frame(short, given)
    assert 15_000 < found["recording"] < 40_000
    assert 15_000 < found["videos"] < 80_000
    assert found["rows"] > 300


def test_a_load_goes_through_and_says_what_it_cost_simulated(short, given, tmp_path):
    given.write(tmp_path / "example")
    load = Load(workers=1, files=1, seconds=0.4, minutes=0.1, short=short)
    broker = app.conf.broker_url
    found = served(load, 0.002, tmp_path / "example", tmp_path / "served")
    json.dumps(found)
    assert app.conf.broker_url == broker
    assert (found["recordings"], found["frames"]) == (1, 180)
    assert 0 < found["frames_per_s"] < 500
    assert found["a_chunk"]["kB_from_redis"] > 0.9 * found["a_chunk"]["kB_to_redis"] > 0
    assert found["a_chunk"]["cpu_ms"]["files children"] > 0
    assert found["idle_a_second"]["commands"] > 0
    written = Outputs(tmp_path / "served" / "out" / "r0")
    assert written.run["provider"] == "simulated"
    assert written.run["counts"]["measured"] == 180
