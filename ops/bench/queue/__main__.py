"""What the queue costs: one server, one Redis and many simulated Macs on this machine.

    python -m ops.bench.queue [--workers 1 --workers 64] [--seconds-a-frame 0.04] [--seconds 60]

Each Mac is a real Celery worker on a real Redis. It gets the packets of a 720p recording of
6 Mbit/s, sleeps, and gives the rows and both mirrored videos that the demo models once made of it;
everything else is as it is. Prints, as JSON, frames/s of one and of all, and what a chunk and an
idle second cost: CPU by kind of process, Redis' commands and bytes.
"""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import psutil
import typer

from ops.bench.queue.crew import simulated_broker
from ops.bench.queue.film import bytes_a_frame, draw, example
from ops.bench.queue.measuring import Load, measure
from workers.chunk.order import AnalysisSettings


def main(
    workers: Annotated[list[int] | None, typer.Option(help="Macs; may be repeated.")] = None,
    seconds_a_frame: Annotated[float, typer.Option(help="What a Mac takes.")] = 0.04,
    seconds: Annotated[float, typer.Option(help="Of analysis, for each Mac.")] = 60.0,
    minutes: Annotated[float, typer.Option(help="Of each recording, at most.")] = 5.0,
    files_workers: Annotated[int, typer.Option(help="That read and write files.")] = 2,
    folder: Annotated[Path | None, typer.Option(help="For recordings and outputs.")] = None,
) -> None:
    """Measure some numbers of Macs, one after the other."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        short, given = Path(name) / "short.mp4", Path(name) / "example"
        draw(short)
        made = example(short, AnalysisSettings())
        made.write(given)
        typer.echo(json.dumps({"bytes_a_frame": bytes_a_frame(short, made)}))
        for count in workers or (1, 64):
            load = Load(
                workers=count, files=files_workers, seconds=seconds, minutes=minutes, short=short
            )
            found = served(load, seconds_a_frame, given, Path(name) / str(count))
            typer.echo(json.dumps({**found, "load": psutil.getloadavg()[0]}))


def served(load: Load, seconds_a_frame: float, given: Path, folder: Path) -> dict[str, object]:
    """What a Redis of its own, and everything around it, does with a load. given: the example."""
    with simulated_broker(given, seconds_a_frame) as (server, configuration):
        return measure(load, server, configuration, folder)


if __name__ == "__main__":
    typer.run(main)
