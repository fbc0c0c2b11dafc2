"""One `facemirror run`, watched from outside."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ops.bench.measuring.processes import ProcessWatch
from ops.bench.measuring.redis_traffic import Traffic, TrafficWatch
from ops.errors import UsageError
from weights.manifest import DEMO, DEMO_FOLDER

COMMAND = Path(sys.executable).with_name("facemirror")
LOOK_SECONDS = 0.1
LOOKS_A_REDIS_LOOK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun:
    """provider, arithmetic: what measured, as run.json says; frames, measured: of the recording,
    and those with a face; followed: of these, at which the landmark model did not look; chunks: it
    was cut into; seconds: from the command to its end; first_frame: from the command to the first
    analysed frame, s; steady: frames/s while all workers were at work (`timing` in run.json), so
    start-up and writing the outputs left out; both None where the command is of a version that does
    not tell; stage_cpu_ms: of a frame, by stage; cpu_ms: of a frame, by kind of process;
    peak_mebibytes: of any one process of each kind; traffic: through Redis."""

    provider: str
    arithmetic: str
    frames: int
    measured: int
    followed: int
    chunks: int
    seconds: float
    first_frame: float | None
    steady: float | None
    stage_cpu_ms: dict[str, float]
    cpu_ms: dict[str, float]
    peak_mebibytes: dict[str, float]
    traffic: Traffic

    @property
    def whole(self) -> float:
        """Frames/s from the command to its end."""
        return self.frames / self.seconds


def whole_run(
    recording: Path, weights: Path, options: list[str], command: Path = COMMAND
) -> WholeRun:
    """Run the command on one recording; its outputs are thrown away.

    command: another version's `facemirror`, to be measured beside this one. Raises UsageError where
    it fails, with what it said last.
    """
    # Short: Redis' socket lies in it, and its path has 104 characters at most on a Mac.
    with tempfile.TemporaryDirectory(prefix="fm-") as name:
        folder = Path(name)
        chosen = DEMO if weights == DEMO_FOLDER else str(weights)
        line = [str(command), "run", str(recording), "--out", str(folder / "out"), "--quiet"]
        line += ["--weights", chosen, *options]
        began, start = time.time(), time.perf_counter()
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(line, stderr=said, env={**os.environ, "TMPDIR": name})
            processes, traffic = _watched(process, folder)
        seconds = time.perf_counter() - start
        if process.returncode:
            last = (folder / "said").read_text(errors="replace").strip().splitlines()[-1:]
            raise UsageError(f"{' '.join(line)} ended with {process.returncode}: {' '.join(last)}")
        record = json.loads((folder / "out" / recording.stem / "run.json").read_text())
    frames, timing = record["counts"]["frames"], record.get("timing")
    return WholeRun(
        provider=record["provider"],
        arithmetic=record["arithmetic"],
        frames=frames,
        measured=record["counts"]["measured"],
        followed=record["counts"].get("followed", 0),
        chunks=len(record["chunks"]),
        seconds=seconds,
        first_frame=timing and timing["first_frame"] - began,
        steady=timing and timing["frames_per_s"],
        stage_cpu_ms=_ms_a_frame(record.get("stage_cpu_seconds", {}), frames),
        cpu_ms=_ms_a_frame(processes.cpu_seconds(), frames),
        peak_mebibytes=processes.peak_mebibytes(),
        traffic=traffic,
    )


def _watched(process: "subprocess.Popen[bytes]", folder: Path) -> tuple[ProcessWatch, Traffic]:
    """Looks until it ends."""
    processes, traffic = ProcessWatch(process.pid), TrafficWatch(folder)
    looks = 0
    try:
        while process.poll() is None:
            processes.look()
            if looks % LOOKS_A_REDIS_LOOK == 0:
                traffic.look()
            looks += 1
            time.sleep(LOOK_SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    return processes, traffic.last


def _ms_a_frame(seconds: dict[str, float], frames: int) -> dict[str, float]:
    return {name: 1000 * total / frames for name, total in seconds.items()}
