"""The median of a growing number of faces, by feature, from histograms.

OpenFace 2's way to know a person's neutral face. The resolution is a bin's, the memory does not
grow, and only the bins of a face are needed, not its features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.arrays import Floats

Bins = NDArray[np.uint16]
"""(D,): in which bin each feature lies."""


@dataclass(frozen=True, slots=True)
class Binning:
    """Even bins over [low, high]; what lies beyond falls into the first or last one."""

    low: float
    high: float
    count: int

    def bins(self, values: Floats) -> Bins:
        """The bins that values fall into."""
        place = (values - self.low) * self.count / (self.high - self.low)
        return np.clip(place, 0, self.count - 1).astype(np.uint16)

    def centres(self, bins: NDArray[np.integer]) -> Floats:
        """The values in the middle of bins."""
        width = (self.high - self.low) / self.count
        return np.asarray(self.low + bins * width + width / 2.0, dtype=np.float64)


class RunningMedian:
    """The lower median bin of each of D features, kept up to date with every face."""

    def __init__(self, features: int, bins: int) -> None:
        self._counts = np.zeros((features, bins), dtype=np.int32)
        self._rows = np.arange(features)
        self._below = np.zeros(features, dtype=np.int64)  # faces in lower bins than the median's
        self.median = np.zeros(features, dtype=np.intp)
        self.faces = 0

    def add(self, bins: Bins) -> None:
        """Count one more face."""
        self._counts[self._rows, bins] += 1
        self._below += bins < self.median
        self.faces += 1
        self._settle((self.faces + 1) // 2)

    def _settle(self, rank: int) -> None:
        """Move to the first bin up to which there are `rank` faces."""
        rows = self._rows[self._below >= rank]
        while rows.size:
            self.median[rows] -= 1
            self._below[rows] -= self._counts[rows, self.median[rows]]
            rows = rows[self._below[rows] >= rank]
        rows = self._rows[self._below + self._counts[self._rows, self.median] < rank]
        while rows.size:
            self._below[rows] += self._counts[rows, self.median[rows]]
            self.median[rows] += 1
            rows = rows[self._below[rows] + self._counts[rows, self.median[rows]] < rank]
