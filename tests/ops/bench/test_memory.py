"""What a worker takes at most, however large the picture."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ops.bench.measuring.whole_run import whole_run
from weights.demo.phantom import Activations, Appearance, FacePose, render
from weights.manifest import DEMO_FOLDER
from workers.video.writing.encoding import SegmentEncoder
from workers.video.writing.joining import join_segments


def film_4k(path: Path, frames: int) -> Path:
    """A phantom that walks by, in 3840×2160."""
    picture = render(
        FacePose(1500.0, 1080.0, 900.0), Activations(), Appearance.from_seed(90001), 3840, 2160
    )
    encoder = SegmentEncoder(3840, 2160, Fraction(1, 30))
    for number in range(frames):
        encoder.write(np.roll(picture, 12 * number, axis=1), number)
    join_segments([encoder.finish()], path, Fraction(1, 30))
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="measures the resident set as Linux counts it")
def test_a_worker_on_4k_with_all_videos_stays_under_one_and_a_half_gib(tmp_path):
    film = film_4k(tmp_path / "walk.mp4", 20)
    run = whole_run(film, DEMO_FOLDER, ["--workers", "1", "--debug-video"])
    assert 400 < run.peak_mebibytes["worker"] < 1536, run.peak_mebibytes
