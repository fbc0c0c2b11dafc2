"""What the benchmark's figures are made of."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from ops.bench.measuring.bare_models import overheard_calls
from ops.bench.measuring.figures import Findings, as_json, as_markdown, rounded
from ops.bench.measuring.films import draw_phantom, film_first_frames, repeat_film, widescreen
from ops.bench.measuring.machine import this_machine
from ops.bench.measuring.methods import usable_methods
from ops.bench.measuring.processes import ProcessWatch
from ops.bench.measuring.redis_traffic import Traffic, TrafficWatch
from ops.bench.measuring.run_figures import add_pace, add_traffic
from ops.bench.measuring.whole_run import whole_run
from ops.bench.parts.speed import frames_per_s_of
from ops.errors import UsageError
from tests.recordings import read_number, record
from weights.manifest import DEMO_FOLDER
from workers.process.broker import redis_client
from workers.process.private_redis import PrivateRedis
from workers.session.backends import CPU
from workers.session.loading import load_models

SAYS_FOUR = f"""{sys.executable} -c 'print("loading"); print("{{\\"frames_per_s\\": 4.0}}")'"""


def times_and_numbers(path):
    """What a film of `tests.recordings.draw` shows, and when."""
    with av.open(str(path)) as file:
        decoded = list(file.decode(video=0))
    return [f.time for f in decoded], [read_number(f.to_ndarray(format="bgr24")) for f in decoded]


def test_a_figure_is_the_median_of_its_rounds():
    findings = Findings()
    findings.add("speed", "openface3+star98", "run", "frames/s", [9.0, 7.0, 7.5])
    findings.add("speed", "nothing", "was measured", "s", [])
    findings.note("no weights")
    findings.note("no weights")
    table = as_markdown(this_machine(), findings)
    assert "| speed | openface3+star98 | run | 7.5 | frames/s | 9, 7, 7.5 |" in table
    assert "nothing" not in table
    assert table.count("- no weights") == 1
    (figure,) = json.loads(as_json(this_machine(), findings))["figures"]
    assert figure == {
        "part": "speed",
        "subject": "openface3+star98",
        "quantity": "run",
        "unit": "frames/s",
        "values": [9.0, 7.0, 7.5],
        "value": 7.5,
    }


def test_numbers_are_said_with_three_digits():
    assert [rounded(n) for n in (1509.4, 93.27, 7.046, 0.01234)] == [
        "1509",
        "93.3",
        "7.05",
        "0.0123",
    ]


def test_a_picture_is_made_widescreen_about_its_middle():
    high = np.zeros((480, 640, 3), np.uint8)
    high[:, 320:] = 200
    seen = widescreen(high, 1080)
    assert seen.shape == (1080, 1920, 3)
    assert (seen[:, :950] == 0).all()
    assert (seen[:, 970:] == 200).all()
    wide = np.zeros((100, 400, 3), np.uint8)
    wide[:, 200:] = 200
    cut = widescreen(wide, 100)
    assert cut.shape == (100, 177, 3)
    assert (cut[0, :, 0] == 200).sum() == pytest.approx(88, abs=1)


def test_the_first_frames_are_filmed_anew(tmp_path):
    film = film_first_frames(record(tmp_path / "long.mp4"), tmp_path / "clip.mp4", 20)
    times, numbers = times_and_numbers(film)
    assert numbers == list(range(20))
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=1e-6)


def test_a_repeated_film_goes_on_where_it_ended(tmp_path):
    film = film_first_frames(record(tmp_path / "long.mp4"), tmp_path / "once.mp4", 20)
    times, numbers = times_and_numbers(repeat_film(film, tmp_path / "thrice.mp4", 3))
    assert numbers == [*range(20)] * 3
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=1e-6)


def test_the_calls_of_the_networks_are_heard_and_can_be_made_again(tmp_path):
    film = draw_phantom(tmp_path / "phantom.mp4", 12)
    models = load_models(DEMO_FOLDER, CPU, "star98", "openface3", tmp_path)
    calls, frames = overheard_calls(models, film, 12)
    # two searches, ten looks whether the face is still there, twelve times landmarks and AUs
    assert (len(calls), frames) == (2 + 10 + 12 + 12, 12)
    first = [np.asarray(array) for array in calls[1]()]
    assert all(np.array_equal(a, b) for a, b in zip(first, calls[1](), strict=True))


def test_methods_without_their_models_are_named():
    findings = Findings()
    assert [method.name for method in usable_methods(DEMO_FOLDER, findings)] == [
        "openface3+star98",
        "openface3+star98 --fast",
    ]
    assert [note.partition(" was")[0] for note in findings.notes] == [
        "openface2+clnf68",
        "openface2+pfld68",
        "openface2+pfld68 --fast",
    ]


def test_cpu_time_and_peak_of_all_processes_below_a_command_are_seen():
    work = "import time; kept = bytearray(200 << 20); del kept\n"
    work += "while time.process_time() < 1: sum(range(9999))\n"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    process = subprocess.Popen([sys.executable, "-c", child])
    watch = ProcessWatch(process.pid)
    while process.poll() is None:
        watch.look()
        time.sleep(0.05)
    assert watch.cpu_seconds()["command"] == pytest.approx(1.1, abs=0.4)
    if sys.platform == "linux":  # elsewhere only what is held at the moment of a look
        assert watch.peak_mebibytes()["command"] > 200


@pytest.fixture
def short_folder(monkeypatch):
    """Where temporary files go; a socket in it has a short path, also on macOS."""
    with tempfile.TemporaryDirectory(prefix="fm-") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def test_what_goes_through_a_private_redis_is_counted(short_folder):
    watch = TrafficWatch(short_folder)
    watch.look()
    assert watch.last.commands == 0
    with PrivateRedis() as server:
        client = redis_client(server.url)
        watch.look()
        before = watch.last
        for n in range(50):
            client.set(f"key{n}", bytes(1000))
        watch.look()
        assert 50 <= watch.last.commands - before.commands < 60
        assert watch.last.received - before.received == pytest.approx(50 * 1035, rel=0.05)
        assert watch.last.reads - before.reads >= 50
        client.get("key1")
        sent = watch.last.sent
        watch.look()
        assert watch.last.sent - sent >= 1000


def test_a_run_that_fails_says_why(tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    with pytest.raises(UsageError, match=r"ended with 1: .*broken"):
        whole_run(broken, DEMO_FOLDER, ["--workers", "1"])


RECORD = {
    "provider": "cpu",
    "arithmetic": "cpu-x",
    "counts": {"frames": 40, "measured": 38, "followed": 30},
    "chunks": [[0, 20], [20, 40]],
}


@pytest.fixture
def told_run(tmp_path):
    """A run of a command that takes half a second, and writes what is told as run.json."""

    def run(**record):
        command = tmp_path / "facemirror"
        command.write_text(
            f"#!{sys.executable}\n"
            "import json, pathlib, sys, time\n"
            "begun = time.time()\n"
            "time.sleep(0.5)\n"
            f"record = {RECORD | record!r}\n"
            "if 'timing' in record:\n"
            "    record['timing']['first_frame'] += begun\n"
            "folder = pathlib.Path(sys.argv[sys.argv.index('--out') + 1]) / 'smile'\n"
            "folder.mkdir(parents=True)\n"
            "(folder / 'run.json').write_text(json.dumps(record))\n"
        )
        command.chmod(0o755)
        return whole_run(tmp_path / "smile.mp4", DEMO_FOLDER, [], command)

    return run


def test_a_run_is_told_by_its_record_and_by_the_clock(told_run):
    run = told_run(
        stage_cpu_seconds={"track": 2.0, "encode": 0.4},
        timing={"first_frame": 0.25, "last_frame": 9.0, "frames_per_s": 12.5},
    )
    assert (run.frames, run.measured, run.followed, run.chunks) == (40, 38, 30, 2)
    assert run.stage_cpu_ms == pytest.approx({"track": 50.0, "encode": 10.0})
    assert run.steady == 12.5
    assert run.first_frame is not None
    assert 0.25 < run.first_frame < run.seconds  # Python starts before the command's clock does
    assert run.whole == pytest.approx(40 / run.seconds)
    assert run.seconds > 0.5


def test_a_version_that_does_not_tell_of_its_timing_is_measured_by_the_clock(told_run):
    run = told_run()
    assert (run.steady, run.first_frame, run.stage_cpu_ms) == (None, None, {})
    findings = Findings()
    add_pace(findings, "clip", "older", [run])
    assert {f.quantity for f in findings.figures} == {
        "run, start-up and all files included",
        "frames whose landmarks were followed",
    }
    assert findings.notes == ["older: 2 of 40 frames have no face, and cost less"]


def test_what_goes_through_redis_is_told_for_each_chunk(told_run):
    run = replace(told_run(), traffic=Traffic(commands=90, reads=60, received=4096, sent=2048))
    findings = Findings()
    add_traffic(findings, "speed", "all", [run])
    assert [figure.value for figure in findings.figures] == [45.0, 30.0, 2.0, 1.0]


def test_another_program_says_its_pace_in_its_last_line():
    assert frames_per_s_of(SAYS_FOUR) == 4.0
    with pytest.raises(UsageError, match="frames_per_s"):
        frames_per_s_of(f"{sys.executable} -c 'print(4.0)'")
    with pytest.raises(UsageError, match="no-such-program"):
        frames_per_s_of("no-such-program --fast")
