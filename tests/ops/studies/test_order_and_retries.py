"""Which recordings of which study go first, again, or not at all."""

import time

from tests.ops.one_machine_lab import wait_until
from tests.ops.outputs import Outputs
from tests.ops.studies.simulated import SIMULATED, analysed, keys, recordings_of, start_simulated
from tests.recordings import Recipe, record


def test_cancel_frees_redis_and_keeps_what_is_finished_simulated(lab, tmp_path):
    given = recordings_of(tmp_path / "in", 5, 100)
    lab.start("server", "server")
    start_simulated(lab, workers=1, seconds=0.03)
    study = lab.submit(given, "--out", tmp_path / "out", *SIMULATED)
    wait_until(lambda: lab.look(study)["recordings"][0]["state"] == "done", 60, lab.logs)
    done = lab.run("cancel", study)
    # On a busy machine more than the first may have ended before the command came through.
    cancelled = int(done.stdout.removeprefix(f"{study}: ").split()[0])
    assert done.stdout == f"{study}: {cancelled} recordings cancelled\n"
    assert 2 <= cancelled <= 4
    wait_until(lambda: not [key for key in keys(lab) if f"{study}." in key], 30, lab.logs)
    states = [r["state"] for r in lab.status(study)["recordings"]]
    assert states == [*["done"] * (5 - cancelled), *["cancelled"] * cancelled]
    # What was in a worker's hands leaves nothing behind either, on Redis or on the disk.
    time.sleep(4)
    assert not [key for key in keys(lab) if f"{study}." in key]
    assert lab.client.hlen("facemirror:held") == 0
    kept = [f"r{n}" for n in range(5 - cancelled)]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == kept
    assert lab.run("retry", study).stdout.startswith(f"{study}: {cancelled} recordings")
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
