"""The one command that measures everything, on the phantom with the demo models."""

import json
import subprocess
import sys

import pytest

from tests.ops.bench.test_measuring import SAYS_FOUR
from tests.ops.command import COMMAND


def bench(*arguments):
    line = [sys.executable, "-P", "-m", "ops.bench", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A quick run of everything, beside another program and another version: what it says, and its
    JSON."""
    out = tmp_path_factory.mktemp("bench") / "bench.json"
    others = ["--beside", f"another={SAYS_FOUR}", "--older", COMMAND]
    done = bench("--quick", "--workers", 2, "--json", out, *others)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(out.read_text())


@pytest.fixture
def figures(quick):
    """By part, subject and quantity."""
    return {(f["part"], f["subject"], f["quantity"]): f for f in quick[1]["figures"]}


def test_every_figure_is_positive_and_stands_in_the_table(quick):
    table, told = quick
    assert told["figures"]
    for figure in told["figures"]:
        assert figure["value"] > 0.0, figure
        row = f"| {figure['part']} | {figure['subject']} | {figure['quantity']} |"
        assert row in table
        assert figure["unit"]


def test_the_machine_and_the_versions_are_said(quick):
    table, told = quick
    assert told["machine"]["cores"] >= 1
    assert told["machine"]["libraries"]["onnxruntime"] in table
    assert told["machine"]["date"] in table


def test_every_part_has_its_rows(figures):
    assert {part for part, _, _ in figures} >= {"speed", "clip", "sizes", "length", "workers"}
    star = {quantity for _, subject, quantity in figures if subject == "openface3+star98"}
    assert star >= {
        "networks alone, as many processes as workers",
        "run, steady",
        "run, start-up and all files included",
        "from the command to the first analysed frame",
        "run, steady, of the networks alone",
        "run, steady, beside another",
        "CPU of the networks alone, of all stages'",
        "CPU of stage 'track'",
        "CPU of stage 'encode'",
        "CPU of 'worker', start-up included",
        "largest 'worker' process",
        "largest 'files' process",
        "largest 'redis' process",
        "Redis' commands, waiting included",
        "sent by Redis, waiting included",
    }
    fast = {quantity for _, subject, quantity in figures if subject == "openface3+star98 --fast"}
    assert fast >= {"run, steady", "run, steady, beside another"}
    assert "frames whose landmarks were followed" in fast
    assert not any("networks alone" in quantity for quantity in fast)
    assert ("sizes", "openface3+star98, 1080p", "largest 'worker' process") in figures
    long = "0.2 minutes of 640x480, simulated"
    assert ("length", long, "largest 'files' process") in figures
    assert ("length", long, "largest 'redis' process") in figures
    assert ("clip", "openface3+star98, 20 frames", "time beside the older version's") in figures


def test_ratios_are_those_of_the_same_run(figures):
    def value(quantity):
        return figures["speed", "openface3+star98", quantity]["value"]

    steady, bare = value("run, steady"), value("networks alone, as many processes as workers")
    assert value("run, steady, of the networks alone") == pytest.approx(100 * steady / bare)
    assert value("run, steady, beside another") == pytest.approx(steady / 4.0)
    clip = "openface3+star98, 20 frames"
    ours = figures["clip", clip, "from the command to its end"]["value"]
    theirs = figures["clip", clip, "the same by the older version"]["value"]
    assert figures["clip", clip, "time beside the older version's"]["value"] == pytest.approx(
        ours / theirs
    )


def test_steady_frames_leave_start_up_out(figures):
    whole = figures["speed", "openface3+star98", "run, start-up and all files included"]
    steady = figures["speed", "openface3+star98", "run, steady"]
    assert steady["value"] > whole["value"]
    clip = "openface3+star98, 20 frames"
    first = figures["clip", clip, "from the command to the first analysed frame"]
    assert first["value"] < figures["clip", clip, "from the command to its end"]["value"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--only", "nothing"], "--only nothing: choose from backends, speed, clip"),
        (["no-such-film.mp4"], "no-such-film.mp4: there is no such file"),
        (["--beside", "upstream"], "give a name and a command"),
        (["--older", "no/such/facemirror"], "no/such/facemirror: there is no such file"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(wrong, said):
    done = bench("--quick", *wrong)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_part_that_fails_is_noted_and_costs_no_other_its_figures(tmp_path):
    broken = tmp_path / "facemirror"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    broken.chmod(0o755)
    done = bench("--quick", "--only", "clip", "--only", "length", "--older", broken)
    assert done.returncode == 1
    assert "- 'clip' was not measured: " in done.stdout
    assert "ended with 3: it is broken" in done.stdout
    assert "| length | 0.2 minutes of 640x480, simulated | largest 'files' process |" in done.stdout


def test_a_program_beside_that_fails_is_noted():
    beside = f"another={sys.executable} -c 'print(4.0)'"
    done = bench("--quick", "--only", "speed", "--workers", 1, "--beside", beside)
    assert done.returncode == 0, done.stderr
    assert "- another was not measured: " in done.stdout
    assert "| speed | openface3+star98 | run, steady |" in done.stdout
    assert "beside another" not in done.stdout
