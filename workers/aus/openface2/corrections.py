"""What OpenFace 2 does to a recording's predictions once it has seen the whole of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats

STRONGEST = 5.0
INTENSITY_WINDOW = 3
PRESENCE_WINDOW = 7


def corrected_intensities(
    raw: Floats, success: NDArray[np.bool_], cutoffs: Sequence[float | None]
) -> Floats:
    """Final intensities (n, I), 0 to 5.

    raw: (n, I) as predicted; success: (n,); cutoffs: for each model, see `Predictor`. The person's
    own level of no activity is taken away, then three frames are averaged. A frame without a face
    counts as 0, so one beside a face is not quite 0.
    """
    offsets = _levels_of_no_activity(raw[success], cutoffs)
    limited = np.where(success[:, None], np.clip(raw - offsets, 0.0, STRONGEST), 0.0)
    return _centred_means(limited, INTENSITY_WINDOW)


def corrected_presences(raw: NDArray[np.bool_], success: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Final presences (n, C): what most of seven frames say; one without a face says no."""
    said = (raw & success[:, None]).astype(np.float64)
    return _centred_means(said, PRESENCE_WINDOW) >= 0.5


def _levels_of_no_activity(successful: Floats, cutoffs: Sequence[float | None]) -> Floats:
    """For each model the value below which the part `cutoff` of the frames lies; 0 without one."""
    count = len(successful)
    ordered = np.sort(successful, axis=0)
    return np.array(
        [
            ordered[int(count * cutoff), i] if count and cutoff is not None else 0.0
            for i, cutoff in enumerate(cutoffs)
        ]
    )


def _centred_means(values: Floats, window: int) -> Floats:
    """Means (n, A) over each frame and its neighbours; ends that lack some stay as they are."""
    reach = window // 2
    means = values.copy()
    if len(values) >= window:
        shifted = np.stack([values[i : len(values) - window + 1 + i] for i in range(window)])
        means[reach : len(values) - reach] = shifted.mean(axis=0)
    return means
