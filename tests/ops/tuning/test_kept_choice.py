"""What was tuned is kept, used, and forgotten when anything changes."""

from dataclasses import replace

import psutil
import pytest

from ops.tuning.kept_choice import (
    Choice,
    Circumstances,
    default_file,
    encoder_for,
    keep,
    kept,
    processes_for,
)
from weights.manifest import InstalledModel
from workers.session.providers import default_processes

HERE = Circumstances("8 cores", "cpu-x86_64_avx2-00000000", "1a2b", "star98", "openface3")
CHOICE = Choice(
    processes=9,
    frames_per_s={8: 38.2, 9: 40.1},
    width=640,
    height=480,
    date="2026-03-01T10:00:00+00:00",
)


@pytest.fixture(autouse=True)
def own_configuration(tmp_path, monkeypatch):
    """The folder of another person."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def number(asked=None, under=HERE):
    return processes_for(asked, "cpu", lambda: [under])


def by_default():
    cores = psutil.cpu_count(logical=False) or 1
    return default_processes("cpu", cores, psutil.virtual_memory().total)


def test_without_a_choice_the_default_is_used():
    assert not default_file().exists()
    assert (number().count, number().why) == (by_default(), "")


def test_a_kept_choice_is_used_and_said():
    assert keep(CHOICE, HERE) == default_file()
    assert kept(HERE) == CHOICE
    assert number().count == 9
    assert number().why == ", as 'facemirror tune' found on 2026-03-01"


def test_an_option_overrides_it():
    keep(CHOICE, HERE)
    assert (number(asked=3).count, number(asked=3).why) == (3, "")


def test_a_tuned_encoder_is_used_where_none_is_asked_for():
    assert encoder_for("auto", lambda: [HERE]) == "auto"
    keep(replace(CHOICE, encoder="x264"), HERE)
    assert encoder_for("auto", lambda: [HERE]) == "x264"
    assert encoder_for("videotoolbox", lambda: [HERE]) == "videotoolbox"
    assert encoder_for("auto", lambda: [replace(HERE, machine="10 cores")]) == "auto"


@pytest.mark.parametrize(
    "change",
    [
        {"machine": "10 cores"},
        {"arithmetic": "cpu-x86_64_avx2-11111111"},
        {"weights": "3c4d"},
        {"landmarks": "pfld68"},
        {"aus": "openface2"},
    ],
)
def test_it_is_forgotten_on_any_change(change):
    keep(CHOICE, HERE)
    changed = replace(HERE, **change)
    assert kept(changed) is None
    assert (number(under=changed).count, number(under=changed).why) == (by_default(), "")


def test_a_new_choice_replaces_that_for_the_same_kind_of_analysis_only():
    openface2 = replace(HERE, landmarks="clnf68", aus="openface2")
    keep(CHOICE, HERE)
    keep(replace(CHOICE, processes=8), openface2)
    updated = replace(HERE, arithmetic="cpu-x86_64_avx2-11111111")
    keep(replace(CHOICE, processes=9, date="2026-04-01"), updated)
    assert kept(HERE) is None
    assert kept(openface2) == replace(CHOICE, processes=8)
    assert kept(updated) == replace(CHOICE, date="2026-04-01")


def test_a_worker_takes_the_first_kind_that_was_tuned():
    openface2 = replace(HERE, landmarks="clnf68", aus="openface2")
    keep(CHOICE, openface2)
    assert processes_for(None, "cpu", lambda: [HERE, openface2]).count == 9


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        "[]",
        "OTHER FORMAT",
        '{"format": 1, "choices": [{"choice": {}}]}',
        "WRONG NUMBER",
        "WRONG KIND",
    ],
)
def test_a_damaged_file_counts_as_none_and_is_written_anew(content):
    file = keep(CHOICE, HERE)
    if content == "OTHER FORMAT":
        content = file.read_text().replace('"format": 1', '"format": 2')
    if content == "WRONG NUMBER":
        content = file.read_text().replace('"processes": 9', '"processes": 700')
    if content == "WRONG KIND":
        content = file.read_text().replace('"frames_per_s": {', '"frames_per_s": [{') + "]"
    assert content != file.read_text()
    file.write_text(content)
    assert kept(HERE) is None
    assert number().count == by_default()
    keep(CHOICE, HERE)
    assert kept(HERE) == CHOICE


@pytest.mark.parametrize(
    ("size", "unlike"),
    [((640, 480), False), ((1280, 720), False), ((320, 240), True), ((1920, 1080), True)],
)
def test_a_choice_knows_which_pictures_it_says_nothing_about(size, unlike):
    assert CHOICE.found_on_unlike(*size) == unlike


def test_circumstances_are_those_of_this_machine_and_these_weights():
    model = InstalledModel(
        name="star98",
        file="star98.onnx",
        sha256="1" * 64,
        source_file="Landmark_98.pkl",
        source_sha256="2" * 64,
        official=True,
        converter="0.1.0",
        demo=False,
    )
    here = Circumstances.here("cpu-x", (model,), "star98", "openface3")
    assert here == Circumstances.here("cpu-x", (model,), "star98", "openface3")
    assert str(psutil.cpu_count()) in here.machine
    other = replace(model, sha256="3" * 64)
    assert here != Circumstances.here("cpu-x", (other,), "star98", "openface3")
