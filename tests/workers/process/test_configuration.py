"""What a worker is told arrives through its environment."""

from pathlib import Path

from weights.checked_files import CheckedFile
from workers.process.configuration import Configuration
from workers.session.backends import CPU, Backend
from workers.session.trial.figures import Attempt, NetworkFigures, Trial


def test_backend_and_trial_arrive():
    backend = Backend("coreml", "coreml", "coremltools", "CPU_AND_NE", star_batch=4)
    figures = NetworkFigures("star98", 5.5, {"points, px": 0.25, "scores": 1e-4})
    attempts = (
        Attempt(backend=CPU, networks=(figures,), processes=8, seconds=3.1),
        Attempt(backend=backend, why_not="it is »wrong«"),
    )
    given = Configuration(
        weights=Path("/w"),
        compiled=Path("/c"),
        backend=backend,
        trial=Trial(chosen=backend, attempts=attempts),
    )
    assert Configuration.from_environment(given.to_environment()) == given
    assert given.provider == "coreml"


def test_checked_files_arrive():
    checked = (CheckedFile("/w/a »b«.onnx", 5, 1_800_000_000_123_456_789, 7, "ab" * 32),)
    given = Configuration(weights=Path("/w"), compiled=Path("/c"), checked=checked)
    assert Configuration.from_environment(given.to_environment()) == given


def test_the_encoder_arrives():
    given = Configuration(weights=Path("/w"), compiled=Path("/c"), encoder="videotoolbox")
    assert Configuration.from_environment(given.to_environment()) == given


def test_nothing_said_is_the_cpu_and_x264():
    plain = Configuration.from_environment({})
    assert (plain.backend, plain.trial, plain.encoder) == (CPU, None, "x264")
