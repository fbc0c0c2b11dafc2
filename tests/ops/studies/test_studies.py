"""Studies from submit to outputs: the commands of a lab as processes, with real Redis and workers.

Where only the queue matters, the session is simulated, as the test's name or its worker says.
"""

import os
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from tests.ops.command import facemirror
from tests.ops.one_machine_lab import wait_until
from tests.ops.outputs import Outputs
from tests.ops.studies.simulated import SIMULATED, analysed, keys, recordings_of, start_simulated
from tests.recordings import Recipe, record
from tests.stand_ins.weights_folders import write_own_models
from weights.demo.exercises import Recording, exercises, frames
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments


def film(path: Path, seed: int, seconds: float) -> Path:
    """A phantom, 640×480, 10 frames a second."""
    recording = Recording(seed=90000 + seed, width=640, height=480, rate=10, seconds=seconds)
    encoder = SegmentEncoder(640, 480, Fraction(1, 10))
    for frame in frames(recording, exercises(0.5)):
        encoder.write(frame.picture, frame.index)
    join_segments([encoder.finish()], path, Fraction(1, 10))
    return path


def test_a_study_gives_what_run_gives_and_is_not_done_twice(lab, tmp_path):
    given = tmp_path / "recordings"
    given.mkdir()
    for n in range(3):
        film(given / f"P{n}_smile.mp4", n, seconds=1.5 + n)
    weights = write_own_models(tmp_path / "weights")
    alone = facemirror("run", given, "--out", tmp_path / "alone", "--weights", weights)
    assert alone.returncode == 0, alone.stderr
    lab.environment["FACEMIRROR_WEIGHTS"] = str(weights)
    hidden: tuple[str, ...] = ()
    if os.geteuid() == 0 and os.system("unshare --mount true") == 0:
        # The workers see neither the recordings nor the outputs.
        hidden = (
            "unshare",
            "--mount",
            "sh",
            "-c",
            f'mount -t tmpfs none {given} && exec "$@"',
            "-",
        )
    lab.start("server", "server")
    for name in ("mac-1", "mac-2"):
        line = ("worker", "--provider", "cpu", "--workers", 1, "--name", name)
        lab.start(f"worker-{name}", *line, before=hidden)
    study = lab.submit(given, "--out", tmp_path / "out", "--name", "smiles")
    status = lab.wait_for("smiles")
    assert [r["state"] for r in status["recordings"]] == ["done"] * 3, lab.logs()
    chunks = status["chunks"]["done"]
    assert chunks == sum(
        len(Outputs(tmp_path / "out" / f"P{n}_smile").run["chunks"]) for n in range(3)
    )
    for n in range(3):
        mine, theirs = (Outputs(tmp_path / f / f"P{n}_smile") for f in ("out", "alone"))
        assert mine.table_bytes() == theirs.table_bytes()
        for side in ("left", "right"):
            name = f"P{n}_smile_{side}_mirrored.mp4"
            assert (mine.folder / name).read_bytes() == (theirs.folder / name).read_bytes()
    assert keys(lab) >= {f"facemirror:{study}:{kept}" for kept in ("study", "orders", "outcomes")}
    assert not [key for key in keys(lab) if f"{study}." in key]
    done = analysed(lab, "mac-1", "mac-2")
    again = lab.submit(given, "--out", tmp_path / "out")
    status = lab.wait_for(again)
    assert [r["state"] for r in status["recordings"]] == ["done"] * 3
    assert analysed(lab, "mac-1", "mac-2") == done == chunks
    forced = lab.submit(given / "P0_smile.mp4", "--out", tmp_path / "out", "--force")
    lab.wait_for(forced)
    forced_chunks = len(Outputs(tmp_path / "out" / "P0_smile").run["chunks"])
    assert analysed(lab, "mac-1", "mac-2") == done + forced_chunks


def test_run_borrows_a_labs_workers_and_leaves_only_its_record(lab, tmp_path):
    recording = film(tmp_path / "P1_smile.mp4", 1, seconds=1.5)
    alone = facemirror("run", recording, "--out", tmp_path / "alone", "--weights", "demo")
    assert alone.returncode == 0, alone.stderr
    lab.start("worker-mac-1", "worker", "--provider", "cpu", "--workers", 1, "--name", "mac-1")
    lab.wait_for_workers(1)
    borrowed = lab.run("run", recording, "--out", tmp_path / "out", "--broker", lab.broker)
    assert borrowed.returncode == 0, borrowed.stderr
    assert "facemirror@mac-1" in borrowed.stderr
    mine, theirs = (Outputs(tmp_path / f / "P1_smile") for f in ("out", "alone"))
    assert mine.table_bytes() == theirs.table_bytes()
    assert analysed(lab, "mac-1") == len(mine.run["chunks"])
    kinds = {key.rpartition(":")[2] for key in keys(lab) if re.search(r":\d{8}-", key)}
    assert kinds == {"study", "orders", "outcomes"}


def test_a_simulated_table_does_not_stand_in_for_a_measured_one(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 1, 12)
    lab.environment["FACEMIRROR_WEIGHTS"] = str(write_own_models(tmp_path / "weights"))
    lab.start("server", "server")
    start_simulated(lab, workers=1)
    lab.wait_for(lab.submit(given, "--out", tmp_path / "out", *SIMULATED))
    assert Outputs(tmp_path / "out" / "r0").run["provider"] == "simulated"
    lab.start("worker-mac-2", "worker", "--provider", "cpu", "--workers", 1, "--name", "mac-2")
    lab.wait_for(lab.submit(given, "--out", tmp_path / "out"))
    assert Outputs(tmp_path / "out" / "r0").run["provider"] == "cpu"


def test_names_stay_on_the_lab_server_with_pseudonymize_simulated(lab, tmp_path):
    given = tmp_path / "Clinic_Doe"
    given.mkdir()
    record(given / "Miller_1961.mp4", Recipe(frames=120))
    (given / "Smith_broken.mp4").write_text("no video")
    lab.start("server", "server")
    start_simulated(lab, seconds=0.02)
    study = lab.submit(given, "--out", tmp_path / "Outputs_Doe", *SIMULATED, "--pseudonymize")
    seen: list[bytes] = []

    def dump() -> bool:
        client = lab.client
        for key in client.scan_iter("*"):
            seen.extend((key, client.dump(key) or b"", *texts(client, key)))
        return bool(lab.status(study)["ended"])

    wait_until(dump, 60, lab.logs)
    status = lab.status(study)
    assert {r["name"]: r["state"] for r in status["recordings"]} == {
        "Miller_1961": "done",
        "Smith_broken": "failed",
    }
    assert (tmp_path / "Outputs_Doe" / "Miller_1961" / "run.json").is_file()
    told = b"\n".join(seen) + lab.log("worker-mac-1").read_bytes()
    for part in ("Clinic", "Doe", "Miller", "1961", "Smith", "broken", str(tmp_path)):
        assert part.encode() not in told, part
    assert re.search(rb"recording-[0-9a-f]{12} frames 0", told)


def texts(client, key: bytes) -> list[bytes]:
    """Every string that is stored under a key, uncompressed."""
    kind = client.type(key)
    if kind == b"string":
        return [client.get(key) or b""]
    if kind == b"hash":
        return [part for item in client.hgetall(key).items() for part in item]
    if kind == b"list":
        return client.lrange(key, 0, -1)
    return []


def test_a_worker_with_other_weights_does_nothing_and_says_which_file_to_fetch(lab, tmp_path):
    from weights.manifest import DEMO_FOLDER, read_record, sha256_of, write_record

    other = tmp_path / "other"
    other.mkdir()
    for model in DEMO_FOLDER.glob("*.onnx"):
        (other / model.name).write_bytes(model.read_bytes())
    with (other / "star98.onnx").open("ab") as file:
        file.write(b"\n")
    listed = read_record(DEMO_FOLDER)
    from dataclasses import replace

    changed = replace(listed.models["star98"], sha256=sha256_of(other / "star98.onnx"))
    write_record(other, listed.having(changed))
    given = recordings_of(tmp_path / "in", 1, 30)
    lab.start("server", "server")
    lab.start(
        *("worker-odd", "worker", *SIMULATED, "--workers", 1, "--weights", other),
        *("--name", "odd"),
    )
    study = lab.submit(given, "--out", tmp_path / "out", *SIMULATED)
    wait_until(lambda: "it wants star98.onnx" in lab.log("worker-odd").read_text(), 40, lab.logs)
    assert "facemirror weights fetch" in lab.log("worker-odd").read_text()
    assert not lab.status(study)["ended"]
    start_simulated(lab)
    assert lab.wait_for(study)["recordings"][0]["state"] == "done"
    assert analysed(lab, "odd") == 0


@pytest.mark.parametrize("command", ["submit", "status", "server", "worker", "cancel"])
def test_a_redis_open_to_the_network_is_refused(command, tmp_path):
    (tmp_path / "a.mp4").touch()
    arguments = {"submit": (tmp_path / "a.mp4", "--out", tmp_path), "cancel": ("x",)}
    line = (command, *arguments.get(command, ()), "--broker", "redis://192.0.2.1:6379/0")
    done = subprocess.run(
        [*map(str, (Path(os.sys.executable).with_name("facemirror"), *line))],
        env={**os.environ, "FACEMIRROR_WEIGHTS": "demo"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "has no password" in done.stderr
    assert "Traceback" not in done.stderr
