"""What people name to be submitted: files, folders, CSV lists, sizes, queues."""

from pathlib import Path

import pytest
from rich.console import Console

from ops.errors import UsageError
from ops.lab.byte_sizes import parse_bytes
from ops.pool_names import pool_name, pool_names
from ops.recordings import MOST_NAME_BYTES, naming_fault
from ops.studies.recording_list import read_list
from ops.studies.requests import study_requests
from tasks.messages import RunSettings
from tasks.outputs.folder import output_names
from weights.manifest import DEMO_FOLDER
from workers.chunk.order import AnalysisSettings

SETTINGS = RunSettings(analysis=AnalysisSettings(landmarks="pfld68"))


def listed(folder: Path, text: str):
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return read_list(path, SETTINGS, "normal")


def test_a_list_gives_each_recording_its_own_settings(tmp_path):
    first, second = listed(
        tmp_path,
        "recording,name,flip,landmarks,priority\na/smile.mov,P1 smile,yes,star98,high\nb.mov,,,,\n",
    )
    assert first.source == tmp_path / "a/smile.mov"
    assert (first.name, first.priority) == ("P1 smile", "high")
    assert first.settings.analysis == AnalysisSettings(landmarks="star98", flip=True)
    assert (second.name, second.priority) == (None, "normal")
    assert second.settings == SETTINGS


def test_a_list_may_ask_for_the_fast_way(tmp_path):
    first, second = listed(tmp_path, "recording,fast\na.mov,yes\nb.mov,\n")
    assert first.settings.analysis == AnalysisSettings(landmarks="pfld68", fast=True)
    assert not second.settings.analysis.fast


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file\na.mov\n", "must name the column 'recording'"),
        ("recording,age\na.mov,3\n", "not age"),
        ("recording,flip\na.mov,perhaps\n", "line 2: flip is 'perhaps', not yes or no"),
        ("recording,fast,landmarks\na.mov,yes,clnf68\n", "line 2: --fast is for star98"),
        ("recording,landmarks\na.mov,star99\n", "line 2: .*star99"),
        ("recording,name\n,x\n", "line 2: names no recording"),
        ("recording,priority\na.mov,soon\n", "line 2: .*soon"),
    ],
)
def test_a_wrong_list_says_where(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        listed(tmp_path, text)


def test_a_list_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xff\xfe\x00\xd8recording")
    with pytest.raises(UsageError, match="cannot be read as a CSV list"):
        read_list(path, SETTINGS, "normal")


@pytest.mark.parametrize(
    ("size", "count"),
    [("16MiB", 16 << 20), ("1GiB", 1 << 30), ("1.5 kB", 1500), ("1000000", 10**6)],
)
def test_sizes_are_read_as_people_type_them(size, count):
    assert parse_bytes(size) == count


@pytest.mark.parametrize("size", ["", "0", "much", "16 apples", "-1GiB"])
def test_what_is_no_size_is_refused(size):
    with pytest.raises(UsageError, match="is no size"):
        parse_bytes(size)


def test_a_line_whose_settings_do_not_go_together_is_refused(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("recording,landmarks\na.mov,star98\n", encoding="utf-8")
    settings = RunSettings(analysis=AnalysisSettings(landmarks="pfld68", aus="openface2"))
    with pytest.raises(UsageError, match="line 2: --aus openface2 needs 68 points"):
        read_list(path, settings, "normal")


@pytest.mark.parametrize("name", ["n" * 221, "ü" * 111])
def test_a_study_with_a_name_that_outputs_cannot_have_is_refused(name, tmp_path):
    (tmp_path / "a.mov").touch()
    path = tmp_path / "list.csv"
    path.write_text(f"recording,name\na.mov,{name}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.mov: its name has 22\d bytes.*Nothing was submitted"):
        study_requests([path], SETTINGS, "normal", DEMO_FOLDER, "any", True, Console())


def test_the_longest_name_leaves_room_for_every_output():
    name = "n" * MOST_NAME_BYTES
    assert naming_fault(Path("a.mov"), name) is None
    assert max(len(file.encode()) for file in output_names(name)) <= 255


def test_queues_are_named_by_a_list():
    assert pool_names("analyze, smile-lab") == ("analyze", "smile-lab")
    assert pool_name("smile_lab") == "smile_lab"


@pytest.mark.parametrize("text", ["", ",", "a.b", "files", "two words", "a/b"])
def test_what_names_no_queue_is_refused(text):
    with pytest.raises(UsageError, match="names no queue"):
        pool_names(text)


def test_a_study_goes_to_one_queue():
    with pytest.raises(UsageError, match="a study goes to one"):
        pool_name("a,b")
