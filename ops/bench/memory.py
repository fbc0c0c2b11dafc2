"""Peak memory of each worker process during `facemirror run`.

    python -m ops.bench.memory RECORDING --weights DIR [--options "..."]

Samples the resident set of every process below the command ten times a second; says the largest
of any one process, MiB.
"""

import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import psutil
import typer

COMMAND = Path(sys.executable).with_name("facemirror")


def peaks(line: list[str]) -> dict[str, float]:
    """The largest resident set, MiB, of redis and of any worker process."""
    found: dict[str, float] = {}
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                kind = "redis" if "redis" in child.name() else "worker"
                found[kind] = max(found.get(kind, 0.0), child.memory_info().rss / 2**20)
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"facemirror ended with {process.returncode}")
    return {kind: round(mebibytes, 1) for kind, mebibytes in found.items()}


def main(
    recording: Path,
    weights: Annotated[Path, typer.Option()],
    options: Annotated[str, typer.Option(help="More options for facemirror run.")] = "",
) -> None:
    """Measure one recording."""
    with tempfile.TemporaryDirectory() as out:
        line = [str(COMMAND), "run", str(recording), "--out", out, "--weights", str(weights)]
        typer.echo(json.dumps(peaks([*line, "--quiet", *shlex.split(options)])))


if __name__ == "__main__":
    typer.run(main)
