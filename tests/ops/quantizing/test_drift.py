"""How far two models' numbers lie apart, and that missing numbers are the largest drift of all."""

import numpy as np
import pytest

from ops.quantizing.drift import FrameNumbers, drift


def numbers(shift: float = 0.0, score: float = 0.5, closure: float = 1.0) -> FrameNumbers:
    """Of a frame whose points lie `shift` px to the right."""
    points = np.tile([100.0 + shift, 120.0], (98, 1))
    return FrameNumbers(points, np.full((2, 8), score), np.full(2, closure))


def test_means_and_largest_differences_are_told():
    found = drift([(numbers(), numbers(1.0)), (numbers(), numbers(-3.0, 0.3, 1.5))])
    assert (found.frames, found.mean_px, found.largest_px) == (2, 2.0, 3.0)
    assert found.mean_score == pytest.approx(0.1)
    assert found.largest_score == pytest.approx(0.2)
    assert (found.mean_closure, found.largest_closure) == (0.25, 0.5)
    assert "landmarks 2.00 px from float32's on average and 3.00 px at most" in str(found)


def test_numbers_that_one_model_alone_gives_are_infinitely_far():
    found = drift([(numbers(), numbers(float("nan"))), (numbers(), numbers(score=float("nan")))])
    assert found.mean_px == found.largest_score == float("inf")
    neither = drift([(numbers(closure=float("nan")), numbers(closure=float("nan")))])
    assert neither.largest_closure == 0.0
