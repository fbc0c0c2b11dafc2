"""What the clinical measures of a recording take, and the memory that they need.

    python -m ops.bench.measures [--frames 3000]

A phantom's true points, through ruler, measures, rest and movements; ms a frame of one core.
"""

import time
import tracemalloc
from typing import Annotated

import numpy as np
import typer

from tasks.outputs.measures.filmed_faces import FilmedFaces
from tasks.outputs.measures.movements import movements
from tasks.outputs.measures.recording import measured_recording
from weights.demo.exercises import Recording, activations_at, exercises, pose_at
from weights.demo.pose import truth
from weights.demo.true_measures import iris_rings
from workers.measures.layout import WFLW98_LAYOUT

DRAWN = 600
"""Frames that are made; they are repeated."""


def filmed(frames: int) -> FilmedFaces:
    """A phantom that does its exercises again and again."""
    recording, script = Recording(), exercises(0.5)
    points, rings = [], []
    for index in range(min(frames, DRAWN)):
        pose, done = pose_at(index / 30, recording), activations_at(index / 30, script)
        points.append(truth(pose, done).points)
        rings.append(iris_rings(pose, done))
    again = np.arange(frames) % len(points)
    seen = np.ones(frames, np.bool_)
    return FilmedFaces(
        times=np.arange(frames) / 30,
        success=seen,
        decoded=seen,
        yaws=np.zeros(frames),
        pitches=np.zeros(frames),
        points=np.array(points, np.float32)[again],
        rings=np.array(rings, np.float32)[again],
        width=recording.width,
        height=recording.height,
    )


def main(frames: Annotated[int, typer.Option(min=2)] = 3000) -> None:
    """Measure, twice: for time, and for memory."""
    faces = filmed(frames)
    begun = time.process_time()
    found = movements(measured_recording(faces, WFLW98_LAYOUT))
    seconds = time.process_time() - begun
    tracemalloc.start()
    movements(measured_recording(faces, WFLW98_LAYOUT))
    _, peak = tracemalloc.get_traced_memory()
    typer.echo(
        f"{1000 * seconds / frames:.2f} ms and {peak / frames / 1000:.1f} kB a frame, "
        f"{len(found)} movements"
    )


if __name__ == "__main__":
    typer.run(main)
