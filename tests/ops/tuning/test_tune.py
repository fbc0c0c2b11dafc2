"""Tuning this machine with the demo models, and what the command does with what was found."""

import io
import json
import os
import subprocess

import pytest
from rich.console import Console

from ops.bench.measuring.films import draw_phantom
from ops.errors import UsageError
from ops.tuning.command import TuneOptions, tune
from ops.tuning.kept_choice import default_file
from ops.tuning.search import FILM_FRAMES
from tests.ops.command import COMMAND
from tests.recordings import record
from weights.manifest import DEMO_FOLDER
from workers.chunk.order import AnalysisSettings

TRIED = (2, 1)


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """A person's home, in which this machine was tuned in a hurry: the choice and what was said."""
    home = tmp_path_factory.mktemp("home")
    console = Console(file=io.StringIO(), width=200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setattr("ops.tuning.command.candidates", lambda *_: TRIED)
        options = TuneOptions(weights=DEMO_FOLDER, analysis=AnalysisSettings(), seconds=0.5)
        choice = tune(options, console)
        file = default_file()
    return home, choice, file, console.file.getvalue()


@pytest.fixture
def film(tmp_path):
    return draw_phantom(tmp_path / "phantom.mp4", 12)


def run(home, film, *options):
    """What the person sees; nothing that was finished before is kept."""
    line = [COMMAND, "run", film, "--out", film.parent / "out", "--weights", "demo", "--force"]
    done = subprocess.run(
        list(map(str, [*line, *options])),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")},
    )
    return done.stderr


def test_every_number_is_measured_and_the_choice_is_one_of_them(person):
    _, choice, _, said = person
    assert set(choice.frames_per_s) == set(TRIED)
    assert all(pace > 0.0 for pace in choice.frames_per_s.values())
    assert choice.processes in TRIED
    assert (choice.width, choice.height) == (640, 480)
    for number, pace in choice.frames_per_s.items():
        assert f"{number} process{'es' * (number > 1)}: {pace:.1f} frames/s" in said
    assert f"start {choice.processes} of them" in said


def test_run_starts_what_was_found_and_says_so(person, film):
    home, choice, file, _ = person
    content = json.loads(file.read_text())
    # Neither default nor found: so it can only come from the file.
    content["choices"][0]["choice"] |= {"processes": 3, "frames_per_s": {"3": 1.0}}
    file.write_text(json.dumps(content))
    found = f"as 'facemirror tune' found on {choice.date[:10]}"
    said = run(home, film)
    assert f"3 workers on provider 'cpu' (onnxruntime, fp32), {found}" in said
    assert "tells what is the fastest" not in said
    content["choices"][0]["choice"]["width"] = 6400
    file.write_text(json.dumps(content))
    said = run(home, film)
    assert "phantom.mp4 is 640x480, and the number of workers was found on 6400x480" in said
    assert f"'facemirror tune {film}' tells what is the fastest" in said
    said = run(home, film, "--workers", "1")
    assert "1 worker on provider 'cpu' (onnxruntime, fp32)\n" in said
    assert "tells what is the fastest" not in said
    content["choices"][0]["made_under"]["arithmetic"] += "x"
    file.write_text(json.dumps(content))
    assert "facemirror tune" not in run(home, film)


def test_a_recording_that_says_nothing_of_speed_is_refused(tmp_path):
    def tuned_on(recording):
        options = TuneOptions(weights=DEMO_FOLDER, analysis=AnalysisSettings(), recording=recording)
        return tune(options, Console(file=io.StringIO()))

    with pytest.raises(UsageError, match="there is no such file"):
        tuned_on(tmp_path / "none.mp4")
    with pytest.raises(UsageError, match=f"has 12 frames, {FILM_FRAMES} are needed"):
        tuned_on(draw_phantom(tmp_path / "short.mp4", 12))
    with pytest.raises(UsageError, match="50 of its first 50 frames have no face"):
        tuned_on(record(tmp_path / "bars.mp4"))
