"""Averaging landmarks over the present and the four previous frames, as the first Face Mirror did.

What is averaged lies where the head was two frames ago: behind a moving one, left minus right then
measures its speed. So this is not done unless asked for by name, to reproduce old studies; a window
of the present frame alone leaves everything where it is.

Looking back a fixed number of frames is what lets chunks be analysed apart: whoever has decoded
`HISTORY` earlier frames gets the same numbers.
"""

from collections.abc import Sequence

import numpy as np

from workers.arrays import Floats

HISTORY = 4
"""How many earlier frames the first Face Mirror looked at."""


def smoothed(window: Sequence[Floats | None]) -> Floats:
    """The weighted mean of the landmarks (P, 2) of the last frames, px.

    window: at most HISTORY + 1 frames, oldest first, None where a frame had no face; the last one
    must have a face. Weights rise linearly from 0.5 (four frames ago) to 1 (present).
    """
    weights = np.linspace(0.5, 1.0, HISTORY + 1)[-len(window) :]
    seen = [(w, p) for w, p in zip(weights, window, strict=True) if p is not None]
    total = sum(w for w, _ in seen)
    return np.asarray(sum(w * p for w, p in seen) / total, dtype=np.float64)


def mean_of_seen(window: Sequence[Floats | None]) -> Floats:
    """The plain mean of the points of those frames of the window that had a face."""
    return np.asarray(np.mean([p for p in window if p is not None], axis=0), dtype=np.float64)
