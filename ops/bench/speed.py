"""Frames a second of `facemirror run`, beside another program on the same machine in the same hour.

    python -m ops.bench.speed RECORDING --weights DIR [--beside "COMMAND"] [--rounds 2]

COMMAND must print a JSON line with `frames_per_s`. Machines are noisy, so both take turns, and the
ratio of the medians is what counts. Our figure includes starting up and writing all files.
"""

import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

COMMAND = Path(sys.executable).with_name("facemirror")


def ours(recording: Path, weights: Path, options: list[str]) -> float:
    """Frames a second of the whole command, from start to end."""
    with tempfile.TemporaryDirectory() as out:
        line = [str(COMMAND), "run", str(recording), "--out", out, "--weights", str(weights)]
        start = time.perf_counter()
        subprocess.run([*line, "--quiet", *options], check=True, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        record = json.loads((Path(out) / recording.stem / "run.json").read_text())
    if record["counts"]["measured"] != record["counts"]["frames"]:
        raise SystemExit("frames without a face cost less: choose a recording with a face in each")
    return float(record["counts"]["frames"]) / seconds


def theirs(command: str) -> float:
    """Frames a second, as the other program says."""
    done = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1])["frames_per_s"])


def main(
    recording: Path,
    weights: Annotated[Path, typer.Option()],
    beside: Annotated[str | None, typer.Option(help="The other program's command.")] = None,
    rounds: int = 2,
    options: Annotated[str, typer.Option(help="More options for facemirror run.")] = "",
) -> None:
    """Measure, taking turns."""
    found: dict[str, list[float]] = {"facemirror": [], "beside": []}
    for _ in range(rounds):
        if beside:
            found["beside"].append(round(theirs(beside), 3))
        found["facemirror"].append(round(ours(recording, weights, shlex.split(options)), 3))
    middle = {name: statistics.median(values) for name, values in found.items() if values}
    ratio = round(middle["facemirror"] / middle["beside"], 2) if beside else None
    typer.echo(json.dumps({"frames_per_s": found, "median": middle, "ratio": ratio}))


if __name__ == "__main__":
    typer.run(main)
