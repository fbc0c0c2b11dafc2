"""One server and up to 64 simulated Macs: `ops.bench.queue`, which says what is measured."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.setting import Setting
from ops.errors import UsageError

PART = "workers"


@dataclass(frozen=True, slots=True)
class Load:
    """counts: of Macs, one after the other; seconds: of work for each; minutes: of a recording;
    ms_a_frame: that a Mac takes."""

    counts: tuple[int, ...]
    seconds: float
    minutes: float
    ms_a_frame: int

    def options(self, count: int) -> list[str]:
        """Of `ops.bench.queue`."""
        numbers = {
            "--seconds": self.seconds,
            "--minutes": self.minutes,
            "--seconds-a-frame": self.ms_a_frame / 1000,
        }
        return [f"--workers={count}", *(f"{name}={value}" for name, value in numbers.items())]


THOROUGH, QUICK = Load((1, 16, 64), 16, 5, 40), Load((2,), 1, 0.1, 10)


def measure(setting: Setting, findings: Findings) -> None:
    """One Mac and many of them."""
    load = QUICK if setting.quick else THOROUGH
    one: float | None = None
    for count in load.counts:
        setting.say(f"{PART}: {count} simulated")
        told = _told(load, count)
        subject = f"{count} simulated, {load.ms_a_frame} ms a frame"
        steady = told["steady_frames_per_s"]
        pace = steady if steady > 0.0 else told["frames_per_s"]  # a short load has no steady state
        findings.add(PART, subject, "frames a second", "frames/s", [pace])
        if count == 1:
            one = pace
        elif one is not None:
            share = 100 * pace / (count * one)
            findings.add(PART, subject, f"of {count} times what one does", "%", [share])
        chunk = told["a_chunk"]
        for quantity, unit, value in (
            ("CPU of everything", "ms a frame", told["cpu_ms_a_frame"]),
            ("Redis' commands", "a chunk", chunk["commands"]),
            ("received by Redis", "kB a chunk", chunk["kB_to_redis"]),
            ("sent by Redis", "kB a chunk", chunk["kB_from_redis"]),
            ("Redis' commands while idle", "a second", told["idle_a_second"]["commands"]),
        ):
            findings.add(PART, subject, quantity, unit, [float(value)])


def _told(load: Load, count: int) -> dict[str, Any]:
    """What the benchmark of the queue says. Raises UsageError where it fails."""
    line = [sys.executable, "-P", "-m", "ops.bench.queue", *load.options(count)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise UsageError(f"{' '.join(line)} ended with {done.returncode}: {last}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
