"""The running median, against sorting everything seen so far."""

import numpy as np

from workers.aus.openface2.running_median import Binning, RunningMedian


def test_it_equals_sorting_after_every_face():
    random = np.random.default_rng(0)
    centres = random.integers(0, 200, 40)
    seen = np.clip(random.normal(centres, 30, (61, 40)), 0, 199).astype(np.uint16)
    running = RunningMedian(40, 200)
    for n in range(1, len(seen) + 1):
        running.add(seen[n - 1])
        expected = np.sort(seen[:n], axis=0)[(n + 1) // 2 - 1]
        np.testing.assert_array_equal(running.median, expected)
    assert running.faces == len(seen)


def test_bins_are_truncated_and_end_at_the_borders():
    binning = Binning(low=-1.0, high=1.0, count=4)
    values = np.array([-9.0, -1.0, -0.51, -0.5, 0.0, 0.99, 1.0, 9.0])
    assert binning.bins(values).tolist() == [0, 0, 0, 1, 2, 3, 3, 3]
    np.testing.assert_allclose(binning.centres(np.arange(4)), [-0.75, -0.25, 0.25, 0.75])
