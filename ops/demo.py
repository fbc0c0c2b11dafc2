"""`facemirror demo`: the whole job on a drawn patient whose true movements are known."""

import csv
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ops.run import RunOptions, run
from weights.demo.exercises import Exercise, Recording, Script, exercises, frames
from weights.demo.face_shape import AUS, SIDES, Side
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments

NAME = "phantom"
FULL_SCALE = {"au45": 5.0}
"""What a table holds for a whole movement, where that is not 1."""

Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Reading:
    """One AU of an exercise while it is held, 0 to 1: done and measured, by the patient's side."""

    exercise: str
    au: str
    true: dict[Side, float]
    measured: dict[Side, float]


def demo(options: RunOptions, left_factor: float, seed: int, console: Console) -> int:
    """Film the phantom, run everything on it, print true against measured movements.

    options.out gets the phantom's recording and the outputs. left_factor: how far the patient's
    left side moves, 1 as far as the right. Returns how many recordings failed.
    """
    script, recording = exercises(left_factor), Recording(seed=seed)
    options.out.mkdir(parents=True, exist_ok=True)
    film = options.out / f"{NAME}.mp4"
    film_phantom(film, recording, script, Console(quiet=True) if options.quiet else console)
    failed = run([film], options, console)
    if not failed:
        readings = read_movements(options.out / NAME, recording, script)
        console.print(as_table(readings))
        console.print(
            f"DEMO: a drawn face and demo weights. Look into {options.out / NAME}", soft_wrap=True
        )
    return failed


def film_phantom(path: Path, recording: Recording, script: Script, console: Console) -> None:
    """Write the phantom's recording as H.264 in MP4."""
    time_base = Fraction(1, recording.rate)
    encoder = SegmentEncoder(recording.width, recording.height, time_base)
    drawn = frames(recording, script)
    for frame in track(drawn, "drawing", recording.count, console=console, transient=True):
        encoder.write(frame.picture, frame.index)
    join_segments([encoder.finish()], path, time_base)


def read_movements(folder: Path, recording: Recording, script: Script) -> list[Reading]:
    """What the tables say of each driven AU while its exercise is held."""
    tables = {side: read_table(folder / f"{NAME}_{side}_mirrored.csv") for side in SIDES}
    return [
        _reading(exercise, au, recording, tables)
        for exercise in script
        for au in AUS
        if any(_driven(exercise, side, au) for side in SIDES)
    ]


def read_table(path: Path) -> Columns:
    """The strengths of an AU table, by names like `au12`; NaN where empty."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {au: np.array([float(row[f"{au.upper()}_r"] or "nan") for row in rows]) for au in AUS}


def as_table(readings: list[Reading]) -> Table:
    """True against measured, for people."""
    table = Table(title="DEMO: the phantom's movements while held, 0 to 1")
    for heading in ("exercise", "AU", "left true", "measured", "right true", "measured"):
        table.add_column(heading, justify="left" if heading in ("exercise", "AU") else "right")
    last = ""
    for reading in readings:
        numbers = [
            f"{value:.2f}"
            for side in SIDES
            for value in (reading.true[side], reading.measured[side])
        ]
        table.add_row(
            "" if reading.exercise == last else reading.exercise, reading.au.upper(), *numbers
        )
        last = reading.exercise
    return table


def _driven(exercise: Exercise, side: Side, au: str) -> float:
    return float(getattr(getattr(exercise.peak, side), au))


def _reading(
    exercise: Exercise, au: str, recording: Recording, tables: dict[Side, Columns]
) -> Reading:
    start, stop = (round(time * recording.rate) for time in exercise.hold)
    full = FULL_SCALE.get(au, 1.0)
    return Reading(
        exercise=exercise.name,
        au=au,
        true={side: _driven(exercise, side, au) for side in SIDES},
        measured={side: float(np.nanmean(tables[side][au][start:stop])) / full for side in SIDES},
    )
