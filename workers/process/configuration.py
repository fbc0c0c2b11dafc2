"""What a worker process is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from platformdirs import user_cache_path

from weights.checked_files import CheckedFile
from weights.manifest import AuMethod, default_folder
from workers.face.scheme import LandmarkName
from workers.session.backends import CPU, Backend
from workers.session.providers import Provider
from workers.session.trial.figures import Trial
from workers.video.writing.encoders import Encoder

PREFIX = "FACEMIRROR_"
WORKER_VARIABLE = PREFIX + "WORKER"
"""Names a worker for its children: no other one, on any machine, ever has the same."""

DEFAULT_BROKER = "redis://127.0.0.1:6379/0"
DEFAULT_LEASE = 60.0
"""Seconds after which the work of a worker that fell silent is given to another."""

DEFAULT_REDIS_BUDGET = 1 << 30
"""Bytes of chunks and their results that may lie on Redis at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Where the broker and the weights are, and what runs the models."""

    # Workers tell Flower their settings; the password is in the URL.
    broker: str = field(default=DEFAULT_BROKER, repr=False)
    weights: Path
    backend: Backend = CPU
    trial: Trial | None = None  # that found it
    encoder: Encoder = "x264"  # of the videos
    compiled: Path
    lease_seconds: float = DEFAULT_LEASE
    redis_budget: int = DEFAULT_REDIS_BUDGET
    simulated_seconds: float = 0.0  # what a simulated session takes for a frame
    simulated_example: Path | None = None  # what it gives (workers.chunk.example), if not nothing
    launcher: int | None = None  # a process without which the worker stops, too
    private_server: int | None = None  # the Redis process that then stops, too
    expected: tuple[LandmarkName, AuMethod] | None = None  # what the first chunk wants, if known
    checked: tuple[CheckedFile, ...] = ()  # of the weights, by who starts the worker

    @property
    def provider(self) -> Provider:
        """What runs the models."""
        return self.backend.provider

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Configuration":
        """Read the FACEMIRROR_ variables; what is not set has its default."""

        def given(name: str, default: str) -> str:
            return environment.get(PREFIX + name) or default

        def process(name: str) -> int | None:
            return int(given(name, "0")) or None

        example = given("SIMULATED_EXAMPLE", "")
        return cls(
            broker=given("BROKER", DEFAULT_BROKER),
            weights=Path(given("WEIGHTS", str(default_folder()))),
            backend=msgspec.json.decode(given("BACKEND", _json(CPU)), type=Backend),
            trial=msgspec.json.decode(given("TRIAL", "null"), type=Trial | None),
            encoder=given("ENCODER", "x264"),  # type: ignore[arg-type]
            compiled=Path(given("COMPILED", str(default_compiled()))),
            lease_seconds=float(given("LEASE_SECONDS", str(DEFAULT_LEASE))),
            redis_budget=int(given("REDIS_BUDGET", str(DEFAULT_REDIS_BUDGET))),
            simulated_seconds=float(given("SIMULATED_SECONDS", "0")),
            simulated_example=Path(example) if example else None,
            launcher=process("LAUNCHER"),
            private_server=process("PRIVATE_SERVER"),
            expected=tuple(given("EXPECTED", "").split()) or None,  # type: ignore[arg-type]
            checked=msgspec.json.decode(given("CHECKED", "[]"), type=tuple[CheckedFile, ...]),
        )

    def to_environment(self) -> dict[str, str]:
        """The variables that `from_environment` reads."""
        values = {
            "BROKER": self.broker,
            "WEIGHTS": str(self.weights),
            "BACKEND": _json(self.backend),
            "TRIAL": _json(self.trial),
            "ENCODER": self.encoder,
            "COMPILED": str(self.compiled),
            "LEASE_SECONDS": str(self.lease_seconds),
            "REDIS_BUDGET": str(self.redis_budget),
            "SIMULATED_SECONDS": str(self.simulated_seconds),
            "SIMULATED_EXAMPLE": str(self.simulated_example or ""),
            "LAUNCHER": str(self.launcher or ""),
            "PRIVATE_SERVER": str(self.private_server or ""),
            "EXPECTED": " ".join(self.expected or ()),
            "CHECKED": _json(self.checked),
        }
        return {PREFIX + name: value for name, value in values.items()}


def _json(value: Backend | Trial | tuple[CheckedFile, ...] | None) -> str:
    return msgspec.json.encode(value).decode()


def default_compiled() -> Path:
    """Where compiled Core ML models are kept between runs."""
    return user_cache_path("facemirror", appauthor=False) / "compiled"
