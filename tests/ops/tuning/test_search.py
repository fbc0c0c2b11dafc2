"""Which numbers of processes are tried, and which one is chosen."""

import sys

import pytest

from ops.tuning.search import (
    Trial,
    candidates,
    encoder_worth_it,
    encoders_here,
    fewest_worth_it,
    paces,
    steady_pace,
)

GIB = 1 << 30


def test_numbers_around_the_cores_are_tried_the_likeliest_first():
    assert candidates("cpu", 2, 2, 64 * GIB) == (2, 3, 1)
    assert candidates("cpu", 8, 16, 64 * GIB) == (8, 16, 7, 4, 12)
    assert candidates("cpu", 1, 1, 64 * GIB) == (1, 2)


def test_each_process_has_memory():
    assert candidates("cpu", 8, 16, 12 * GIB) == (8, 7, 4)
    assert candidates("cpu", 8, 16, GIB) == (1,)


def test_an_accelerator_is_tried_with_one_and_with_two():
    assert candidates("coreml", 10, 10, 64 * GIB) == (1, 2)


def test_a_further_process_must_be_worth_it():
    assert fewest_worth_it({1: 5.0, 2: 9.4, 3: 9.6}) == 2
    assert fewest_worth_it({1: 5.0, 2: 9.4, 3: 9.8}) == 3
    assert fewest_worth_it({4: 9.6, 3: 9.4, 2: 9.4}) == 2


def test_x264_must_beat_the_hardware_to_be_chosen(tmp_path, monkeypatch):
    told = {"x264": 10.0, "videotoolbox": 10.0}
    monkeypatch.setattr("ops.tuning.search.steady_pace", lambda trial, *_: told[trial.options[-1]])
    trial = Trial(tmp_path / "film.mp4", tmp_path, ("--aus", "openface2"), tmp_path)
    said = []
    both = ("x264", "videotoolbox")
    assert encoder_worth_it(trial, both, said.append) == "auto"
    assert said == ["encoder x264: 10.0 frames/s", "encoder videotoolbox: 10.0 frames/s"]
    told["videotoolbox"] = 9.0
    assert encoder_worth_it(trial, both, said.append) == "x264"
    assert encoder_worth_it(trial, ("x264",), said.append) == "auto"
    assert trial.with_encoder("auto").options == ("--aus", "openface2", "--encoder", "auto")


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac may have two")
def test_without_a_macs_hardware_there_is_nothing_to_choose():
    assert encoders_here() == ("x264",)


def test_films_are_as_long_as_the_pace_asks_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "ops.tuning.search.steady_pace", lambda *given: asked.append(given[1:]) or 10.0
    )
    said = []
    trial = Trial(tmp_path / "film.mp4", tmp_path, (), tmp_path, seconds=8.0)
    assert paces(trial, (2, 3), 26.0, said.append) == {2: 10.0, 3: 10.0}
    assert asked == [(2, 4), (3, 4)]  # 8 s of 26 frames/s are about four films of 50 frames
    assert said == ["2 processes: 10.0 frames/s", "3 processes: 10.0 frames/s"]
    assert paces(trial, (1,), 0.5, said.append)
    assert asked[-1] == (1, 1)


def test_what_there_is_no_time_for_is_not_tried(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 60))
    monkeypatch.setattr("ops.tuning.search.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("ops.tuning.search.steady_pace", lambda *_: 10.0)
    trial = Trial(tmp_path / "film.mp4", tmp_path, (), tmp_path)
    assert list(paces(trial, (2, 3, 1, 4), 10.0, lambda _: None)) == [2, 3]


def test_each_process_gets_a_chunk_of_its_own(tmp_path, monkeypatch):
    runs = []

    class Run:
        steady = 7.0

    monkeypatch.setattr("ops.tuning.search.repeat_film", lambda source, path, times: times)
    monkeypatch.setattr("ops.tuning.search.whole_run", lambda *given: runs.append(given) or Run())
    trial = Trial(tmp_path / "film.mp4", tmp_path, ("--aus", "openface2"), tmp_path)
    assert steady_pace(trial, 3, 2) == pytest.approx(7.0)
    ((film, _, options),) = runs
    assert film == 6
    assert options == ["--aus", "openface2", "--workers", "3", "--chunk-frames", "100"]
