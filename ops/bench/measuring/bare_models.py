"""How fast the networks alone are: the calls of a real analysis, made again and nothing else.

    python -P -m ops.bench.measuring.bare_models RECORDING WEIGHTS LANDMARKS AUS FRAMES

One process analyses the first frames and keeps every input that a network gets. It says `ready`,
waits for a line, makes the same calls in the same order, and says how long they took. As many
processes as a run has workers do so at the same time, one thread each, so that they share the
memory's bandwidth and the processor's caches as in the run.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import av
import numpy as np

from ops.bench.measuring.methods import Method
from ops.errors import UsageError
from weights.manifest import AuMethod
from workers.arrays import Tensor
from workers.chunk.analysis import analysed_face
from workers.face.scheme import LandmarkName
from workers.models.runner import Runner
from workers.process.launcher import THREAD_COUNTS
from workers.session.backends import CPU
from workers.session.loading import Models, load_models

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class BareModels:
    """frames_per_s: of all processes together; cpu_ms: of one frame."""

    frames_per_s: float
    cpu_ms: float


class Overheard:
    """A runner that also keeps its calls, to be made again."""

    def __init__(self, runner: Runner, calls: list[Call]) -> None:
        self._runner = runner
        self._calls = calls
        self.input_shapes = runner.input_shapes

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        """See `Runner.run`."""
        self._calls.append(lambda: self._runner.run(outputs, **inputs))
        return self._runner.run(outputs, **inputs)


def bare_models(
    recording: Path, weights: Path, method: Method, frames: int, processes: int
) -> BareModels:
    """Measure the networks of a method on the first frames of a recording.

    Raises UsageError where a process fails.
    """
    words = [str(recording), str(weights), method.landmarks, method.aus, str(frames)]
    line = [sys.executable, "-P", "-m", "ops.bench.measuring.bare_models", *words]
    environment = {**os.environ, **dict.fromkeys(THREAD_COUNTS, "1")}
    started = [
        subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(processes)
    ]
    try:
        for process in started:
            if _line_from(process) != "ready":
                raise UsageError(f"the networks of {method.name} could not be run alone: see above")
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [json.loads(_line_from(process)) for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()
    return BareModels(
        frames_per_s=sum(one["frames"] / one["seconds"] for one in told),
        cpu_ms=1000 * sum(one["cpu_seconds"] / one["frames"] for one in told) / len(told),
    )


def _line_from(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def overheard_calls(models: Models, recording: Path, frames: int) -> tuple[list[Call], int]:
    """Analyse the first frames; the networks' calls, and of how many frames they are."""
    calls: list[Call] = []
    for part in (models.seeker, models.verifier, models.landmarker, models.aus):
        if hasattr(part, "_runner"):  # OpenFace 2's models are no networks
            part._runner = Overheard(part._runner, calls)
    tracker, measurer = models.tracker(frames), models.measurer("mirrored")
    done = 0
    with av.open(str(recording)) as file:
        for index, frame in enumerate(islice(file.decode(video=0), frames)):
            picture = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            face = tracker.step(index, picture).face
            done += 1
            if face is None:
                continue
            found = analysed_face(picture, face, [face], models.landmarker.scheme)
            if found is not None:
                measurer.measure(index, picture, found)
    return calls, done


def main(recording: str, weights: str, landmarks: str, aus: str, frames: str) -> None:
    """One of the processes."""
    with tempfile.TemporaryDirectory() as compiled:
        models = load_models(
            Path(weights),
            CPU,
            cast(LandmarkName, landmarks),
            cast(AuMethod, aus),
            Path(compiled),
        )
    calls, done = overheard_calls(models, Path(recording), int(frames))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begun, cpu_begun = time.perf_counter(), time.process_time()
    for call in calls:
        call()
    told = {
        "frames": done,
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": time.process_time() - cpu_begun,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
