"""When a recorded face is at rest.

The calmest second: of the third of all seconds in which the face is nearest to its usual posture,
the median of each measure over the recording, the one in which it varies least. So neither a second
in which it moves is taken nor one in which a smile is held, unless it is held most of the time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.outputs.measures.filmed_faces import FilmedFaces
from workers.arrays import Floats
from workers.face.head_pose import TURNED_YAW

SECONDS = 1.0
"""How long the face is at rest."""

MOSTLY = 0.8
"""The part of its frames that have to be measured, while the head looks ahead."""

NEAREST = 1.0 / 3.0
"""The part of all seconds that is near enough to the usual posture."""

ENOUGH = 5
"""Frames that tell how noisy a measure is."""

POSTURE = (
    *("commissure_excursion", "dental_show", "palpebral_fissure_height"),
    *("brow_height", "alar_base_drop"),
)
"""The measures of a side that say how it is held."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Frames [start, stop) of the recording; asked: somebody said so."""

    start: int
    stop: int
    asked: bool

    def median(self, values: Floats) -> Floats:
        """The medians (...) of values (n, ...) at rest; NaN where nothing was measured."""
        return _told(values[self.start : self.stop], np.median, 1)

    def noise(self, values: Floats) -> Floats:
        """The standard deviations (...) of values (n, ...) at rest; NaN where few frames tell."""
        return _told(values[self.start : self.stop], _deviation, ENOUGH)


def found_rest(
    faces: FilmedFaces, of_sides: dict[str, Floats], asked: tuple[float, float] | None
) -> Rest | None:
    """The rest that was asked for, from when to when, s, or the calmest second.

    None where nothing was ever measured. Raises ValueError where nothing was then.
    """
    posture = np.concatenate([of_sides[name] for name in POSTURE], axis=1)
    measured = np.isfinite(posture).any(axis=1)
    if asked is not None:
        start, stop = np.searchsorted(faces.times, asked).tolist()
        if not measured[start:stop].any():
            raise ValueError(
                f"no face was measured between {asked[0]:g} and {asked[1]:g} s, where --rest "
                "says that it is at rest: give other times"
            )
        return Rest(start, stop, asked=True)
    ahead = measured & (np.abs(faces.yaws) <= TURNED_YAW)
    usable = ahead if ahead.any() else measured
    if not usable.any():
        return None
    return _calmest(faces.times, posture, usable)


def _calmest(times: Floats, posture: Floats, usable: NDArray[np.bool_]) -> Rest:
    """times: (n,) s; posture: (n, M); usable: (n,) frames that may count."""
    frames = len(times)
    start, stop = np.arange(frames), np.searchsorted(times, times + SECONDS, side="left")
    a_frame = (times[-1] - times[0]) / max(frames - 1, 1)
    whole = times + SECONDS <= times[-1] + a_frame
    whole[0] = True  # the recording may be shorter
    share = _sums(usable[:, None].astype(np.float64), start, stop)[:, 0] / (stop - start)
    candidates = np.flatnonzero(whole & (share >= min(MOSTLY, float(share[whole].max()))))
    away = posture - _told(posture[usable], np.median, 1)
    away[~usable] = np.nan
    off, unrest = _off_and_unrest(away, start[candidates], stop[candidates])
    unrest[off > np.quantile(off, NEAREST)] = np.inf
    best = int(candidates[np.argmin(unrest)])
    return Rest(best, int(stop[best]), asked=False)


def _off_and_unrest(
    away: Floats, start: NDArray[np.intp], stop: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """How far a face is from its usual posture from each start to its stop, and how much it varies
    there: (k,) mean squares over the measures. away: (n, M) from usual, NaN where unknown."""
    known = _sums(np.isfinite(away).astype(np.float64), start, stop)
    count = np.maximum(known, 1.0)
    mean = _sums(np.nan_to_num(away), start, stop) / count
    variance = _sums(np.square(np.nan_to_num(away)), start, stop) / count - np.square(mean)
    told = np.maximum((known > 0.0).sum(axis=1), 1)
    return np.square(mean).sum(axis=1) / told, variance.sum(axis=1) / told


def _sums(values: Floats, start: NDArray[np.intp], stop: NDArray[np.intp]) -> Floats:
    """The sums (k, M) of values (n, M) from each start to its stop."""
    until = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return np.asarray(until[stop] - until[start])


def _told(values: Floats, tell: Callable[[Floats], Any], least: int) -> Floats:
    """What tells something of the known values of each column: (...) of values (n, ...); NaN where
    fewer than `least` are known."""
    told = np.full(values.shape[1:], np.nan)
    for column in np.ndindex(told.shape):
        known = values[(slice(None), *column)]
        known = known[np.isfinite(known)]
        if known.size >= least:
            told[column] = tell(known)
    return told


def _deviation(values: Floats) -> Any:
    return np.std(values, ddof=1)
