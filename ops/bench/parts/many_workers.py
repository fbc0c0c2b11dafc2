"""One server and up to 64 simulated workers: `ops.bench.queue`, which says what is measured."""

import json
import subprocess
import sys
from dataclasses import dataclass

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.setting import Setting
from ops.errors import UsageError

PART = "workers"


@dataclass(frozen=True, slots=True)
class Load:
    """counts: of workers, each beside one alone; chunks: for each of them; ms_a_frame: that a
    simulated session takes."""

    counts: tuple[int, ...]
    chunks: int
    ms_a_frame: int


THOROUGH, QUICK = Load((16, 64), 6, 40), Load((2,), 4, 2)


def measure(setting: Setting, findings: Findings) -> None:
    """One worker and many of them."""
    load = QUICK if setting.quick else THOROUGH
    for count in load.counts:
        setting.say(f"{PART}: 1 and {count} simulated workers")
        words: list[int | float | str] = ["--workers", count, "--chunks", load.chunks]
        words += ["--seconds-a-frame", load.ms_a_frame / 1000]
        line = [sys.executable, "-P", "-m", "ops.bench.queue", *map(str, words)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UsageError(f"ops.bench.queue ended with {done.returncode}: {done.stderr[-300:]}")
        told = json.loads(done.stdout.strip().splitlines()[-1])
        for which in (told["one"], told["all"]):
            subject = f"{which['workers']} simulated, {load.ms_a_frame} ms a frame"
            findings.add(PART, subject, "frames a second", "frames/s", [which["frames_per_s"]])
        share = 100 * told["of_ideal"]
        findings.add(PART, subject, f"of {count} times what one does", "%", [share])
