"""Studies from submit to outputs: the commands of a lab as processes, with real Redis and workers.

Where only the queue matters, the session is simulated, as the test's name or its worker says.
"""

import os
import re
import signal
import subprocess
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.dispatch import LOST_SECONDS
from tests.ops.command import facemirror
from tests.ops.one_machine_lab import end, wait_until
from tests.ops.outputs import Outputs
from tests.recordings import Recipe, record
from tests.stand_in_weights import stand_in_weights
from weights.demo.exercises import Recording, exercises, frames
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments

SIMULATED = ("--provider", "simulated")


def start_simulated(lab, name="mac-1", workers=2, seconds=0.01, **options):
    return lab.start(
        *(f"worker-{name}", "worker", *SIMULATED, "--simulated-seconds", seconds),
        *("--workers", workers, "--name", name),
        **options,
    )


def film(path: Path, seed: int, seconds: float) -> Path:
    """A phantom, 640×480, 10 frames a second."""
    recording = Recording(seed=90000 + seed, width=640, height=480, rate=10, seconds=seconds)
    encoder = SegmentEncoder(640, 480, Fraction(1, 10))
    for frame in frames(recording, exercises(0.5)):
        encoder.write(frame.picture, frame.index)
    join_segments([encoder.finish()], path, Fraction(1, 10))
    return path


def analysed(lab, *names: str) -> int:
    """How many chunks the workers have analysed, by their logs."""
    return sum(lab.log(f"worker-{name}").read_text().count(" frames/s") for name in names)


def keys(lab) -> set[str]:
    return {key.decode() for key in lab.client.scan_iter("facemirror:*")}


def recordings_of(folder: Path, count: int, frames: int) -> Path:
    folder.mkdir()
    for n in range(count):
        record(folder / f"r{n}.mp4", Recipe(frames=frames, options=(("g", "20"),)))
    return folder


def test_a_study_gives_what_run_gives_and_is_not_done_twice(lab, tmp_path):
    given = tmp_path / "recordings"
    given.mkdir()
    for n in range(3):
        film(given / f"P{n}_smile.mp4", n, seconds=1.5 + n)
    weights = stand_in_weights(tmp_path / "weights")
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
    assert analysed(lab, "mac-1", "mac-2") == done + 1


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


def write_heavy(path: Path, frames: int) -> Path:
    """A recording of noise: some 85 KB a frame, each a key frame."""
    draw = np.random.default_rng(1)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=30, options={"qmin": "8", "qmax": "8"})
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuvj420p"
        noise = [
            av.VideoFrame.from_ndarray(
                draw.integers(0, 255, (360, 480, 3), dtype=np.uint8), format="bgr24"
            ).reformat(format="yuvj420p")
            for _ in range(3)
        ]
        for n in range(frames):
            frame = noise[n % 3]
            frame.pts, frame.time_base = n, Fraction(1, 30)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


BYTES_KEPT = """
local bytes = 0
for _, key in ipairs(redis.call('KEYS', 'facemirror*')) do
    bytes = bytes + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
end
return bytes
"""
"""In one moment. What Redis allocates in all would not do: it counts what is being sent, up to a
chunk for each connection, and before its version 7 some 10 MiB while it rewrites its log."""


def test_a_recording_of_twenty_budgets_goes_through_within_the_budget_simulated(lab, tmp_path):
    budget = 16 << 20
    heavy = write_heavy(tmp_path / "heavy.avi", 4200)
    assert heavy.stat().st_size >= 20 * budget
    lab.start("server", "server", "--redis-budget", "16MiB")
    start_simulated(lab, workers=4)
    lab.wait_for_workers(5)
    most = [0]
    ended = threading.Event()

    def sample():
        client = lab.client
        while not ended.wait(0.25):
            most[0] = max(most[0], client.eval(BYTES_KEPT, 0))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        study = lab.submit(heavy, "--out", tmp_path / "out", *SIMULATED)
        status = lab.wait_for(study, 200)
    finally:
        ended.set()
        sampler.join()
    assert [r["state"] for r in status["recordings"]] == ["done"], status
    assert len(Outputs(tmp_path / "out" / "heavy").rows("left")) == 4200
    assert budget / 4 < most[0] <= 1.01 * budget  # of names, lists and messages
    assert lab.client.hlen("facemirror:held") == 0


def test_nothing_is_lost_or_doubled_when_submitter_server_and_redis_are_killed_simulated(
    lab, tmp_path
):
    given = recordings_of(tmp_path / "in", 6, 150)
    submit = ("submit", given, "--out", tmp_path / "out", *SIMULATED, "--name", "killed")
    submitter = lab.start("submit", *submit)
    time.sleep(1.2)
    end(submitter)  # before, while or after it writes: a study is there as a whole or not at all
    server = lab.start("server", "server")
    start_simulated(lab, seconds=0.02)
    lab.submit(*submit[1:])
    wait_until(lambda: lab.status("killed")["chunks"]["done"] > 0, 60, lab.logs)
    end(server)
    time.sleep(1)
    lab.start("server", "server")
    wait_until(lambda: lab.status("killed")["chunks"]["done"] > 4, 90, lab.logs)
    assert lab.redis_process is not None
    end(lab.redis_process)
    time.sleep(2)
    lab.start_redis()
    status = lab.wait_for("killed", LOST_SECONDS + 120)  # what a dead Redis forgot is sent again
    assert [r["state"] for r in status["recordings"]] == ["done"] * 6, lab.logs()
    for n in range(6):
        numbers = [int(row["frame"]) for row in Outputs(tmp_path / "out" / f"r{n}").rows("left")]
        assert numbers == list(range(150))
        assert not list((tmp_path / "out" / f"r{n}").glob(".partial*"))
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"r{n}" for n in range(6)]


def test_a_simulated_table_does_not_stand_in_for_a_measured_one(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 1, 12)
    lab.environment["FACEMIRROR_WEIGHTS"] = str(stand_in_weights(tmp_path / "weights"))
    lab.start("server", "server")
    start_simulated(lab, workers=1)
    lab.wait_for(lab.submit(given, "--out", tmp_path / "out", *SIMULATED))
    assert Outputs(tmp_path / "out" / "r0").run["provider"] == "simulated"
    lab.start("worker-mac-2", "worker", "--provider", "cpu", "--workers", 1, "--name", "mac-2")
    lab.wait_for(lab.submit(given, "--out", tmp_path / "out"))
    assert Outputs(tmp_path / "out" / "r0").run["provider"] == "cpu"


def test_cancel_frees_redis_and_keeps_what_is_finished_simulated(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 5, 100)
    lab.start("server", "server")
    start_simulated(lab, workers=1, seconds=0.03)
    study = lab.submit(given, "--out", tmp_path / "out", *SIMULATED)
    wait_until(lambda: lab.status(study)["recordings"][0]["state"] == "done", 60, lab.logs)
    done = lab.run("cancel", study)
    assert "4 recordings cancelled" in done.stdout
    wait_until(lambda: not [key for key in keys(lab) if f"{study}." in key], 30, lab.logs)
    states = [r["state"] for r in lab.status(study)["recordings"]]
    assert states == ["done", *["cancelled"] * 4]
    # What was in a worker's hands leaves nothing behind either, on Redis or on the disk.
    time.sleep(4)
    assert not [key for key in keys(lab) if f"{study}." in key]
    assert lab.client.hlen("facemirror:held") == 0
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["r0"]
    assert lab.run("retry", study).stdout.startswith(f"{study}: 4 recordings")
    assert [r["state"] for r in lab.wait_for(study)["recordings"]] == ["done"] * 5


def test_retry_failed_does_only_what_failed_simulated(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 2, 60)
    (given / "bad.mp4").write_text("no video at all")
    lab.start("server", "server")
    start_simulated(lab)
    study = lab.submit(given, "--out", tmp_path / "out", *SIMULATED)
    recordings = {r["name"]: r for r in lab.wait_for(study)["recordings"]}
    assert recordings["bad"]["state"] == "failed"
    assert "is no video that can be read" in recordings["bad"]["reason"]
    assert lab.run("status", study).returncode == 1
    written = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("run.json")}
    assert len(written) == 2
    record(given / "bad.mp4", Recipe(frames=60))
    before = analysed(lab, "mac-1")
    assert "1 recordings wait again" in lab.run("retry", study, "--failed").stdout
    assert [r["state"] for r in lab.wait_for(study)["recordings"]] == ["done"] * 3
    assert {p: p.stat().st_mtime_ns for p in written} == written
    chunks = len(Outputs(tmp_path / "out" / "bad").run["chunks"])
    assert analysed(lab, "mac-1") == before + chunks


def test_studies_take_turns_in_order_and_the_urgent_one_overtakes_simulated(lab, tmp_path):
    lab.start("server", "server")
    ids = []
    for name, count in (("first", 5), ("second", 5), ("urgent", 1)):
        given = recordings_of(tmp_path / name, count, 100)
        urgent = ("--priority", "high") if name == "urgent" else ()
        ids.append(lab.submit(given, "--out", tmp_path / "out" / name, *SIMULATED, *urgent))
    start_simulated(lab, workers=2, seconds=0.01)
    for study in ids:
        assert {r["state"] for r in lab.wait_for(study)["recordings"]} == {"done"}
    written = sorted((tmp_path / "out").glob("*/*/run.json"), key=lambda p: p.stat().st_mtime_ns)
    order = [(path.parts[-3], path.parts[-2]) for path in written]
    assert ("urgent", "r0") in order[:2]
    studies = [study for study, _ in order if study != "urgent"]
    for n in range(len(studies)):
        assert abs(studies[:n].count("first") - studies[:n].count("second")) <= 2, order
    for study in ("first", "second"):
        places = [int(name[1:]) for one, name in order if one == study]
        assert all(abs(place - n) <= 1 for n, place in enumerate(places)), order


def test_an_urgent_line_of_a_list_goes_first_simulated(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 4, 40)
    listed = tmp_path / "list.csv"
    lines = [f"{given / f'r{n}.mp4'},P{n},{'high' if n == 3 else ''}" for n in range(4)]
    listed.write_text("recording,name,priority\n" + "\n".join(lines) + "\n")
    lab.start("server", "server")
    study = lab.submit(listed, "--out", tmp_path / "out", *SIMULATED)
    start_simulated(lab, workers=1)
    lab.wait_for(study)
    written = sorted((tmp_path / "out").glob("*/run.json"), key=lambda p: p.stat().st_mtime_ns)
    assert [path.parts[-2] for path in written] == ["P3", "P0", "P1", "P2"]


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


def test_a_worker_drains_at_the_first_signal_and_stops_at_the_second_simulated(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 1, 100)
    lab.start("server", "server")
    patient = start_simulated(lab, "patient", workers=1, seconds=0.3)
    lab.submit(given, "--out", tmp_path / "out", *SIMULATED, "--name", "slow")
    wait_until(lambda: lab.status("slow")["chunks"]["running"], 60, lab.logs)
    patient.send_signal(signal.SIGTERM)
    assert patient.wait(30) == 0
    assert analysed(lab, "patient") == 1
    following = start_simulated(lab, "following", seconds=0)
    assert lab.wait_for("slow")["recordings"][0]["state"] == "done"

    following.send_signal(signal.SIGTERM)
    assert following.wait(30) == 0
    lab.submit(given, "--out", tmp_path / "out2", *SIMULATED, "--name", "slower")
    hasty = start_simulated(lab, "hasty", workers=1, seconds=5)
    wait_until(lambda: lab.status("slower")["chunks"]["running"], 60, lab.logs)
    hasty.send_signal(signal.SIGINT)
    time.sleep(1)
    assert hasty.poll() is None
    hasty.send_signal(signal.SIGINT)
    hasty.wait(20)
    start_simulated(lab, "next")
    assert lab.wait_for("slower")["recordings"][0]["state"] == "done"
    assert analysed(lab, "hasty") == 0
    assert analysed(lab, "next") == len(Outputs(tmp_path / "out2" / "r0").run["chunks"])


def test_a_second_server_is_refused(lab):
    lab.start("server", "server", "--name", "lab-1")
    lab.wait_for_workers(1)
    second = lab.start("second", "server", "--name", "lab-2")
    assert second.wait(60) == 2
    assert "a server runs for this Redis already, on lab-1" in lab.log("second").read_text()


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
