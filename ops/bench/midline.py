"""How still the midline is on a still face, and how far it lags on a moving one, by several rules.

    python -m ops.bench.midline NAME_landmarks.csv.gz

Reads the landmarks of a run with 68 points. Rules: the present frame's own midline (`present`, what
is done); its ends averaged with those of the four frames before, after these were moved onto the
present face (`moved`); the same without moving them (`face-mirror-1`). The place of a midline is
where it passes the bridge of the nose, in % of the face's width, so a rule that does not move with
the head shows.
"""

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from workers.face.midline import Midline, midline_ends
from workers.face.scheme import IBUG68
from workers.face.smoothing import HISTORY

Floats = NDArray[np.float64]
BRIDGE = [27, 28, 29, 30]
STEADY = [*BRIDGE, 36, 39, 42, 45]
EDGES = (0, 16)
ROBUST_STEPS = 4


def read_landmarks(path: Path) -> Floats:
    """(n, 68, 2) px of the frames that have a face."""
    header, *lines = csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
    first = header.index("x_0")
    rows = [line[first:] for line in lines if line[first]]
    points = np.array(rows, dtype=np.float64).reshape(len(rows), -1, 2)
    if points.shape[1] != IBUG68.count:
        raise SystemExit(f"{path} has {points.shape[1]} points a frame, not {IBUG68.count}")
    return points


def present(points: Floats, frame: int) -> Floats:
    """The ends (2, 2) of the frame's own midline."""
    return midline_ends(points[frame], IBUG68)


def lagging(points: Floats, frame: int) -> Floats:
    """The first Face Mirror's rule."""
    window = range(max(0, frame - HISTORY), frame + 1)
    return np.asarray(np.mean([present(points, n) for n in window], axis=0))


def moved(points: Floats, frame: int) -> Floats:
    """Earlier ends count after they were moved by what moved nose bridge and eye corners."""
    now = points[frame]
    ends = [present(points, frame)]
    for before in range(max(0, frame - HISTORY), frame):
        ends.append(_moved(points[before], now, present(points, before)))
    return np.asarray(np.mean(ends, axis=0))


def _moved(before: Floats, now: Floats, ends: Floats) -> Floats:
    """Ends under the similarity between two frames' steady points; one bad point counts little."""
    source, target = (np.ravel(p[STEADY] @ [[1], [1j]]) for p in (before, now))
    weight = np.ones(len(STEADY))
    for _ in range(ROBUST_STEPS):
        share = weight / weight.sum()
        from_centre, to_centre = share @ source, share @ target
        arms = source - from_centre
        turn = (share * arms.conj()) @ (target - to_centre) / (share @ np.abs(arms) ** 2)
        error = np.abs(turn * arms + to_centre - target)
        weight = 1.0 / (1.0 + (error / (3.0 * np.median(error) + 1e-6)) ** 2)
    places = turn * (np.ravel(ends @ [[1], [1j]]) - from_centre) + to_centre
    return np.stack([places.real, places.imag], axis=1)


RULES: dict[str, Callable[[Floats, int], Floats]] = {
    "present": present,
    "moved": moved,
    "face-mirror-1": lagging,
}


def place(points: Floats, ends: Floats) -> float:
    """Where a midline passes the bridge of the nose of landmarks (68, 2), % of the face's width."""
    along = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    distance = Midline(ends[0], along).distance(points[BRIDGE]).mean()
    return float(100.0 * distance / np.hypot(*(points[EDGES[1]] - points[EDGES[0]])))


def main(landmarks: Path) -> None:
    """Print a line for each rule."""
    points = read_landmarks(landmarks)
    bridge = points[:, BRIDGE].mean(axis=1)
    across = np.concatenate([[0.0], np.diff(bridge[:, 0])])
    speed = np.concatenate([[0.0], np.hypot(*np.diff(bridge, axis=0).T)])
    calm = speed[2:] <= np.median(speed)
    for name, rule in RULES.items():
        where = np.array([place(points[n], rule(points, n)) for n in range(len(points))])
        jitter = np.diff(where, 2)[calm].std() / np.sqrt(6.0)
        off = np.abs(where - np.median(where))
        lag = abs(np.corrcoef(where, across)[0, 1])
        typer.echo(
            f"{name:14} jitter while calm {jitter:.2f} %, off {np.median(off):.2f} % (median) "
            f"{np.quantile(off, 0.9):.2f} % (90th), correlation with the head's speed {lag:.2f}"
        )


if __name__ == "__main__":
    typer.run(main)
