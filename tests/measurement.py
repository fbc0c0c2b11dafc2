"""A phantom's true movements beside the measured ones, and how far they may be apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weights.demo.exercises import Exercise, PhantomFrame, Recording, Script
from weights.demo.face_shape import AUS, SIDES

HELD_SEEDS = (90001, 90002, 90003)
"""Of looks that training never saw."""

LEFT_FACTOR = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """What is true in each frame of a phantom's recording, and what was measured.

    true, aus: (frames, 2, 9), 0 to 1, by SIDES and AUS; true_points, points: (frames, 98, 2) px;
    poses: (frames, 3) degrees. What was measured is NaN where no face was found.
    """

    recording: Recording
    script: Script
    true: NDArray[np.float64]
    true_points: NDArray[np.float64]
    aus: NDArray[np.float64]
    points: NDArray[np.float64]
    poses: NDArray[np.float64]

    def held(self, exercise: Exercise) -> slice:
        """The frames in which an exercise is held."""
        start, stop = (round(time * self.recording.rate) for time in exercise.hold)
        return slice(start, stop)


def true_aus(frame: PhantomFrame) -> NDArray[np.float64]:
    """(2, 9), by SIDES and AUS."""
    return np.stack([frame.activations.of(side).values() for side in SIDES])


def check_against_truth(measured: Measurement) -> None:
    """Detection, landmarks, time courses, and how weak the left side is."""
    assert np.isfinite(measured.points).all()
    assert np.isfinite(measured.aus).all()
    true = measured.true_points
    eyes = np.linalg.norm(true[:, 60:68].mean(1) - true[:, 68:76].mean(1), axis=1)
    apart = np.linalg.norm(measured.points - true, axis=2).mean(1)
    assert (apart / eyes).mean() <= 0.03
    for s, side in enumerate(SIDES):
        for a, au in enumerate(AUS):
            agreement = np.corrcoef(measured.aus[:, s, a], measured.true[:, s, a])[0, 1]
            assert agreement >= 0.9, (side, au, agreement)
    for exercise in measured.script[1:]:
        driven = exercise.peak.right.values() > 0
        left, right = measured.aus[measured.held(exercise)][:, :, driven].mean(axis=0).sum(axis=1)
        assert abs(left / right - LEFT_FACTOR) <= 0.15, (exercise.name, left / right)
