"""Movements: where a measure of a side rises above its noise at rest, and how the sides compare.

A side moves while the running median over three frames lies more than three standard deviations of
the measure's noise, and a little at least, above its median at rest. Rises that follow each other
at once are one, and so is what the two sides do at the same time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.outputs.measures.recording import SIDE_KINDS, RecordingMeasures
from workers.arrays import Floats
from workers.face.mirroring import SIDES, Side
from workers.measures.face_measures import Kind

RISING = (
    "commissure_excursion",
    "smile_angle",
    "brow_height",
    "palpebral_fissure_height",
    "eye_closure",
    "dental_show",
    "mouth_area",
    "nasolabial_excursion",
)
"""The measures whose rises are movements."""

DEVIATIONS = 3.0
"""How many standard deviations of the noise a movement rises above rest, at least."""

LEAST: dict[str, dict[Kind, float]] = {
    "mm": {"length": 0.5, "area": 5.0, "angle": 1.5, "share": 0.05},
    "icd": {"length": 0.015, "area": 0.005, "angle": 1.5, "share": 0.05},
}
"""And by at least this: a single second does not show how landmarks wander in a minute."""

PAUSE = 0.3
"""s: rises that are nearer to each other are one movement."""

A_TENTH, HALFWAY, MOST = 0.1, 0.5, 0.9
"""Parts of an excursion."""


@dataclass(frozen=True, slots=True)
class SideMovement:
    """What one side did: excursion from rest, in the measure's unit; onset: s, when it was beyond
    its noise and a tenth of the way; peak: s; speed: unit a second, on average from the onset to
    nine tenths of the way; halfway: s, when half of it was done, where that is more than noise.
    None where it did not rise above its noise."""

    excursion: float
    onset: float | None = None
    peak: float | None = None
    speed: float | None = None
    halfway: float | None = None

    @property
    def moved(self) -> bool:
        """Whether it rose above its noise."""
        return self.peak is not None


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement of one measure. start, stop: its frames [start, stop); sides: None for one that
    was not measured then."""

    measure: str
    start: int
    stop: int
    sides: dict[Side, SideMovement | None]

    @property
    def stronger(self) -> Side | None:
        """The side that moved further; None where one was not measured."""
        left, right = (self.sides[side] for side in SIDES)
        if left is None or right is None:
            return None
        return "left" if left.excursion >= right.excursion else "right"

    @property
    def ratio(self) -> float | None:
        """The weaker side's excursion over the stronger one's, which is more than noise."""
        stronger = self.stronger
        if stronger is None:
            return None
        most = self.sides[stronger]
        least = self.sides["right" if stronger == "left" else "left"]
        if most is None or least is None or not most.moved:
            return None
        return max(least.excursion, 0.0) / most.excursion

    @property
    def apart(self) -> float | None:
        """By how much later, s, the left side was halfway; None unless both moved."""
        left, right = (self.sides[side] for side in SIDES)
        if left is None or right is None or left.halfway is None or right.halfway is None:
            return None
        return left.halfway - right.halfway


def movements(measures: RecordingMeasures) -> list[Movement]:
    """All movements of a recording, measure by measure, in order of their time; none where there is
    no rest or its noise is not known."""
    return [one for name in RISING for one in _of_measure(measures, name)]


def _of_measure(measures: RecordingMeasures, name: str) -> Iterator[Movement]:
    if measures.rest is None:
        return
    values, times = measures.of_sides[name], measures.faces.times
    noise = measures.rest.noise(values)
    limits = np.maximum(DEVIATIONS * noise, LEAST[measures.ruler.unit][SIDE_KINDS[name]])
    above_rest = _running_median(values - measures.rest.median(values))
    risen = np.asarray(above_rest > limits).any(axis=1)
    for start, stop in _joined(np.asarray(risen), times):
        yield Movement(
            measure=name,
            start=start,
            stop=stop,
            sides={
                side: _of_side(above_rest[:, place], times, float(limits[place]), start, stop)
                for place, side in enumerate(SIDES)
            },
        )


def _of_side(
    above_rest: Floats, times: Floats, limit: float, start: int, stop: int
) -> SideMovement | None:
    """What a side does in frames [start, stop); above_rest: (n,); limit: where noise ends."""
    within = above_rest[start:stop]
    if not np.isfinite(within).any() or not np.isfinite(limit):
        return None
    peak = start + int(np.nanargmax(within))
    excursion = float(above_rest[peak])
    if excursion <= limit:
        return SideMovement(excursion)
    low, half, high = max(limit, A_TENTH * excursion), HALFWAY * excursion, MOST * excursion
    first = _begun(above_rest, low, peak)
    risen = above_rest[first : peak + 1]
    onset, middle, most = (
        _time_at(above_rest, times, level, first + int(np.argmax(risen >= level)))
        for level in (low, half, high)
    )
    return SideMovement(
        excursion=excursion,
        onset=onset,
        peak=float(times[peak]),
        speed=(high - low) / (most - onset) if high > low and most > onset else None,
        halfway=middle if half > limit else None,
    )


def _begun(above_rest: Floats, level: float, frame: int) -> int:
    """The first of the frames up to this one, without a gap, that are at a level or above it."""
    while frame > 0 and above_rest[frame - 1] >= level:
        frame -= 1
    return frame


def _time_at(above_rest: Floats, times: Floats, level: float, frame: int) -> float:
    """When, s, a level was reached that the frame before this one has not reached yet."""
    if frame == 0 or not np.isfinite(above_rest[frame - 1]):
        return float(times[frame])
    low, high = float(above_rest[frame - 1]), float(above_rest[frame])
    share = min(max((level - low) / (high - low), 0.0), 1.0) if high > low else 1.0
    return float(times[frame - 1] + share * (times[frame] - times[frame - 1]))


def _joined(risen: NDArray[np.bool_], times: Floats) -> list[tuple[int, int]]:
    """Frames [start, stop) of the rises, those joined that are nearer than a PAUSE."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], risen, [False]]).astype(np.int8)))
    spans: list[tuple[int, int]] = []
    for start, stop in edges.reshape(-1, 2).tolist():
        if spans and times[start] - times[spans[-1][1] - 1] <= PAUSE:
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((start, stop))
    return spans


def _running_median(values: Floats) -> Floats:
    """Of three frames (n, 2), at the ends of two; NaN where this frame or a neighbour is."""
    if len(values) < 3:
        return values
    inner = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    return np.concatenate([values[:1], inner, values[-1:]])
