"""A long recording beside a short one: what grows with it in those who read, write and carry it.

The worker is a simulated one, which gives what the demo models once measured of the drawn patient.
What a real one holds depends on its chunk alone.

    python -P -m ops.bench.parts.length FILM EXAMPLE FOLDER

measures one recording, in a process of its own: what another one left in memory does not count.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.films import draw_phantom
from ops.bench.measuring.processes import ProcessWatch
from ops.bench.measuring.setting import Setting
from ops.bench.queue.crew import crew, simulated_broker
from ops.bench.queue.film import example, lengthen
from ops.errors import UsageError
from ops.studies.submission import Request, StudyOptions, model_sums, submit
from tasks.dispatch import Dispatcher
from tasks.messages import RunSettings
from weights.manifest import DEMO_FOLDER
from workers.chunk.order import AnalysisSettings
from workers.process.broker import redis_client
from workers.process.configuration import DEFAULT_REDIS_BUDGET
from workers.process.launcher import Workers
from workers.process.queues import FILES_QUEUE, SIMULATED
from workers.session.needed_models import check_weights

PART = "length"
RATE, DRAWN_FRAMES = 30, 100
MINUTES, QUICK_MINUTES = (1.0, 30.0), (0.1, 0.2)
LOOK_SECONDS = 0.1
SHOWN = ("files", "redis")


def measure(setting: Setting, findings: Findings) -> None:
    """A recording of a minute, and one of thirty."""
    short, given = setting.folder / "patient.mp4", setting.folder / "example"
    draw_phantom(short, DRAWN_FRAMES)
    example(short, AnalysisSettings(), DRAWN_FRAMES).write(given)
    for minutes in QUICK_MINUTES if setting.quick else MINUTES:
        setting.say(f"{PART}: {minutes:g} minutes")
        film = setting.folder / "long.mp4"
        lengthen(short, film, round(minutes * 60 * RATE))
        peaks = _peaks_apart(film, given, setting.folder / f"{minutes:g}")
        subject = f"{minutes:g} minutes of 640x480, simulated"
        for kind in SHOWN:
            findings.add(PART, subject, f"largest '{kind}' process", "MiB", [peaks[kind]])


def _peaks_apart(film: Path, given: Path, folder: Path) -> dict[str, float]:
    line = [sys.executable, "-P", "-m", "ops.bench.parts.length", *map(str, (film, given, folder))]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise UsageError(f"{' '.join(line)} ended with {done.returncode}: {last}")
    return {kind: float(peak) for kind, peak in json.loads(done.stdout).items()}


def peaks(film: Path, given: Path, folder: Path) -> dict[str, float]:
    """The largest process of each kind, MiB, while a recording goes through. given: what the
    worker gives of every chunk."""
    folder.mkdir()
    with (
        simulated_broker(given) as (server, configuration),
        crew(1, 1, configuration, folder / "workers.log") as workers,
    ):
        return _watched(film, server.url, workers, folder / "out")


def _watched(film: Path, url: str, workers: Workers, out: Path) -> dict[str, float]:
    client = redis_client(url)
    settings = RunSettings(analysis=AnalysisSettings())
    models = model_sums(check_weights(DEMO_FOLDER, settings.analysis.landmarks))
    request = Request(source=film, name="long", settings=settings, models=models)
    dispatcher = Dispatcher(client, FILES_QUEUE, DEFAULT_REDIS_BUDGET, time.monotonic)
    study = submit(client, [request], StudyOptions(out=out, provider=SIMULATED, anew=True))
    watch = ProcessWatch(os.getpid())
    while not (outcomes := study.outcomes()):
        watch.look()
        dispatcher.step()
        workers.tend()
        time.sleep(LOOK_SECONDS)
    watch.look()
    for outcome in outcomes.values():
        if outcome.status != "done":
            raise UsageError(f"a simulated recording failed: {outcome.reason}")
    return watch.peak_mebibytes()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(peaks(*map(Path, sys.argv[1:]))))
