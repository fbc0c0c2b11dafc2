"""Processors with other instruction sets measure the same, but for last digits."""

import platform

import pytest

from ops.bench.instruction_sets import EMULATOR, differences, measure_apart
from tests.ops.film import write_film
from tests.programs import program
from weights.demo.exercises import Recording, exercises, frames
from weights.manifest import DEMO_FOLDER
from workers.process.arithmetic import arithmetic
from workers.session.backends import CPU

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="emulates an x86 processor, which this one is not"
)


def test_an_older_processor_differs_in_last_digits_only(tmp_path):
    """A phantom that walks and turns, so that what is carried from frame to frame counts."""
    program(EMULATOR)
    moving = Recording(seed=90001, width=640, height=360, rate=10, seconds=1.2, walk=0.02, turn=8.0)
    film = tmp_path / "walk.mp4"
    write_film(film, (frame.picture for frame in frames(moving, exercises(0.5))), moving.rate)
    given = [str(film), "--weights", str(DEMO_FOLDER), "--frames", str(moving.count)]
    given += ["--landmarks", "star98", "--aus", "openface3"]
    # The one has AVX2 and no AVX-512, the other AVX and no AVX2.
    older = "Haswell" if "avx512" in arithmetic(CPU) else "SandyBridge"
    here = measure_apart([], given, tmp_path / "here.npz")
    there = measure_apart([EMULATOR, "-cpu", older], given, tmp_path / "there.npz")
    found = differences(here, there)
    assert found["frames"] == moving.count
    assert found["equal_landmarks"] < 1.0  # other kernels really ran
    assert found["landmarks_largest_px"] < 0.001
    assert found["aus_largest"] < 1e-4
