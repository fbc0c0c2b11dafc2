"""What `facemirror run` does with bad input, full stops and missing things."""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.ops.command import facemirror, started
from tests.ops.outputs import Outputs
from tests.recordings import Recipe, cut_off, record, record_sound


@pytest.fixture
def troubled(tmp_path, face_clip):
    """A folder of bad recordings and a good one."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is not a video\n" * 50)
    record_sound(folder / "sound.mp4")
    record(folder / "nobody.mp4", Recipe(frames=12))
    shutil.copy(face_clip, folder / "good.wmv")
    record(folder / "short.avi", Recipe(frames=700, codec="mjpeg", pix_fmt="yuvj420p"))
    cut_off(folder / "short.avi", 0.05)
    shutil.copy(face_clip, folder / "broken.wmv")
    cut_off(folder / "broken.wmv", 0.4)
    return folder


def test_bad_recordings_fail_with_a_reason_each_and_the_others_finish(troubled, tmp_path):
    out = tmp_path / "out"
    done = facemirror(
        *("run", troubled, troubled / "missing.mp4", "--out", out),
        *("--weights", "demo"),
    )
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name in ("empty", "text", "sound", "missing"):
        said = [line for line in lines if line.startswith(f"{name}: failed: ")]
        assert len(said) == 1, done.stderr
        assert not (out / name).exists()
    assert "there is no such file" in done.stderr

    good = Outputs(out / "good")
    assert good.run["counts"]["measured"] == 60

    nobody = Outputs(out / "nobody")
    assert {row["success"] for row in nobody.rows("left")} == {"0"}
    assert np.isnan(nobody.aus("left")).all()
    assert "nobody: 12 of 12 frames have no face" in lines

    short = Outputs(out / "short")
    lost = short.run["recording"]["missing_frames"] + short.run["counts"]["undecodable"]
    assert lost > 600
    assert len(short.rows("left")) + short.run["recording"]["missing_frames"] == 700
    assert any(line.startswith("short: ") and "frames are missing" in line for line in lines)

    broken = Outputs(out / "broken")
    assert 0 < len(broken.rows("left")) < 60
    assert broken.run["recording"]["cut_short"] is True
    assert any(line.startswith("broken: the file is cut short") for line in lines)
    assert sorted(p.name for p in out.iterdir()) == ["broken", "good", "nobody", "short"]


@pytest.mark.parametrize("where", ["a_file", "a_file/below"])
def test_an_output_folder_that_cannot_be_written_is_wrong_use(where, face_clip, tmp_path):
    (tmp_path / "a_file").touch()
    done = facemirror("run", face_clip, "--out", tmp_path / where)
    assert done.returncode == 2
    assert "cannot write into" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_log_that_cannot_be_written_is_wrong_use(face_clip, tmp_path):
    log = tmp_path / "nowhere" / "x.log"
    done = facemirror("run", face_clip, "--out", tmp_path / "out", "--log", log)
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_weights_are_wrong_use(face_clip, tmp_path):
    done = facemirror("run", face_clip, "--out", tmp_path / "out", "--weights", tmp_path)
    assert done.returncode == 2
    assert "retinaface_frame.onnx is missing" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_changed_weights_are_refused(face_clip, phantom_weights, tmp_path):
    weights = shutil.copytree(phantom_weights, tmp_path / "weights")
    with (weights / "pfld_68.onnx").open("ab") as file:
        file.write(b"changed")
    done = facemirror(
        *("run", face_clip, "--out", tmp_path / "out", "--weights", weights),
        *("--landmarks", "pfld68"),
    )
    assert done.returncode == 2
    assert "pfld_68.onnx was changed or damaged" in done.stderr


def test_a_redis_that_does_not_answer_is_wrong_use(face_clip, tmp_path):
    done = facemirror(
        "run", face_clip, "--out", tmp_path / "out", "--broker", "redis://:pw@127.0.0.1:1/0"
    )
    assert done.returncode == 2
    assert "no Redis answers at redis://:***@127.0.0.1:1/0" in done.stderr


def test_a_provider_that_is_not_there_is_wrong_use(face_clip, tmp_path):
    if "linux" not in sys.platform:
        pytest.skip("Core ML is there on macOS")
    done = facemirror(
        *("run", face_clip, "--out", tmp_path / "out", "--weights", "demo"),
        *("--provider", "coreml"),
    )
    assert done.returncode == 2
    assert "'coreml' is not in this machine's onnxruntime" in done.stderr


def test_a_full_disk_fails_the_recording_and_leaves_nothing_half_written(face_clip, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or os.system(f"mount -t tmpfs -o size=200k tmpfs {disk}"):
        pytest.skip("only root can mount a small disk here")
    try:
        done = facemirror("run", face_clip, "--out", disk, "--weights", "demo")
        assert done.returncode == 1
        assert f"{face_clip.stem}: failed: " in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(disk.rglob("*.mp4"))
        assert not list(disk.rglob("run.json"))
    finally:
        os.system(f"umount {disk}")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_no_process_and_no_half_written_file(how, face_clip, tmp_path):
    temporary, out = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    process = started(
        *("run", face_clip, "--out", out, "--weights", "demo", "--workers", 2),
        folder=temporary,
    )
    log = wait_for_workers(temporary)
    processes = psutil.Process(process.pid).children(recursive=True)
    assert len(processes) >= 4, log
    process.send_signal(how)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert not alive
    assert not list(temporary.iterdir())
    assert not list(out.iterdir())


def test_a_killed_command_takes_its_workers_with_it(face_clip, tmp_path):
    process = started(
        *("run", face_clip, "--out", tmp_path / "out", "--weights", "demo"),
        folder=tmp_path,
    )
    wait_for_workers(tmp_path)
    processes = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=10)
    _, alive = psutil.wait_procs(processes, timeout=20)
    assert not alive


def wait_for_workers(temporary: Path) -> str:
    """Wait until a worker has begun to analyse."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        logs = [path.read_text() for path in temporary.glob("facemirror-run-*/workers.log")]
        if any("models loaded" in log for log in logs):
            return logs[0]
        time.sleep(0.1)
    raise AssertionError(f"no worker began within 60 s: {logs}")


def test_two_recordings_of_one_name_do_not_overwrite_each_other(face_clip, tmp_path):
    other = tmp_path / f"{face_clip.stem}.avi"
    shutil.copy(face_clip, other)
    third = tmp_path / "sub" / other.name
    third.parent.mkdir()
    shutil.copy(face_clip, third)
    done = facemirror("run", other, third, "--out", tmp_path / "out", "--weights", "demo")
    assert done.returncode == 2
    assert "would overwrite each other" in done.stderr


@pytest.fixture
def badly_named(tmp_path, face_clip):
    """Names that a file system takes and outputs cannot have."""
    folder = tmp_path / "in"
    folder.mkdir()
    long = "n" * 245
    named = [folder / f"{long}.wmv", Path(os.fsdecode(bytes(folder) + b"/Gr\xf6n.wmv"))]
    for path in named:
        try:
            shutil.copy(face_clip, path)
        except OSError:
            pytest.skip("this file system has no names but UTF-8 text")
    return named


def test_recordings_whose_names_outputs_cannot_have_fail_at_once(badly_named, face_clip, tmp_path):
    out = tmp_path / "out"
    done = facemirror("run", *badly_named, face_clip, "--out", out, "--weights", "demo")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "its name has 245 bytes, outputs' names have at most 220: rename it" in done.stderr
    assert "Gr\\udcf6n: failed: its name is no UTF-8 text: rename it" in done.stderr
    assert [path.name for path in out.iterdir()] == [face_clip.stem]
    assert Outputs(out / face_clip.stem).run["counts"]["measured"] == 60


def test_what_is_missing_is_said_whatever_its_name(tmp_path):
    missing = os.fsdecode(bytes(tmp_path) + b"/Gr\xf6n.wmv")
    done = facemirror("run", missing, "--out", tmp_path / "out", "--weights", "demo")
    assert done.returncode == 1
    assert "there is no such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has VideoToolbox")
def test_an_encoder_that_is_not_here_is_refused_in_one_line(face_clip, tmp_path):
    done = facemirror(
        *("run", face_clip, "--out", tmp_path / "out"),
        *("--weights", "demo", "--encoder", "videotoolbox"),
    )
    assert done.returncode == 2
    refused = [line for line in done.stderr.splitlines() if line.startswith("facemirror: ")]
    assert len(refused) == 1, done.stderr
    assert "--encoder videotoolbox does not work here" in refused[0]
    assert "choose --encoder x264" in refused[0]
    assert "Traceback" not in done.stderr
