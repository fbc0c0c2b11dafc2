"""Choosing a provider: load the models on it and run them once, under a watchdog.

The first Core ML compilation can take a minute or hang for ever, and a hung native call cannot be
interrupted. So it happens in a process of its own, which can be killed; what it compiled is kept
in the cache that the workers read.

    python -m workers.session.warm_up WEIGHTS PROVIDER LANDMARKS AUS COMPILED
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from weights.manifest import AuMethod
from workers.face.scheme import LandmarkName
from workers.session.providers import Provider, ProviderChoice, ProviderError, candidates

PATIENCE = 180.0
"""Seconds that a provider is given to compile and run all models once."""


def choose_provider(
    choice: ProviderChoice,
    available: list[str],
    warm_up: Callable[[Provider], str | None],
    say: Callable[[str], None],
) -> Provider:
    """The first candidate that works.

    warm_up: None where the provider works, else the reason why not. A fallback is said aloud;
    where a provider was asked for by name there is none: raises ProviderError.
    """
    for provider in candidates(choice, available):
        # The CPU provider compiles nothing and is always there.
        reason = None if provider == "cpu" else warm_up(provider)
        if reason is None:
            return provider
        if choice != "auto":
            raise ProviderError(f"provider '{provider}' does not work here: {reason}")
        say(f"provider '{provider}' does not work here ({reason}): trying the next one")
    raise ProviderError(f"no usable provider for '{choice}' among {', '.join(available)}")


def warm_up_apart(
    weights: Path,
    provider: Provider,
    landmarks: LandmarkName,
    aus: AuMethod,
    compiled: Path,
    *,
    patience: float = PATIENCE,
    program: tuple[str, ...] = (sys.executable, "-P", "-m", "workers.session.warm_up"),
) -> str | None:
    """Load and run all models in another process; None, or the reason why that failed."""
    arguments = [str(weights), provider, landmarks, aus, str(compiled)]
    try:
        done = subprocess.run(
            [*program, *arguments], capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it was not ready within {patience:.0f} s"
    if done.returncode == 0:
        return None
    last_line = (done.stderr.strip() or "no message").splitlines()[-1]
    return f"warming up ended with {done.returncode}: {last_line}"


def main(arguments: list[str]) -> None:
    """Load the models and run each once."""
    import numpy as np

    from workers.models.multitask import ActionUnitScores
    from workers.session.loading import load_models

    weights, provider, landmarks, aus, compiled = arguments
    models = load_models(Path(weights), provider, landmarks, aus, Path(compiled))  # type: ignore[arg-type]
    picture = np.zeros((256, 256, 3), dtype=np.uint8)
    box = np.array([64.0, 64.0, 192.0, 192.0])
    models.seeker.detect(picture)
    models.verifier.detect(picture)
    models.landmarker.locate(picture, box)
    if isinstance(models.aus, ActionUnitScores):
        models.aus.score([(picture, box), (picture, box)])


if __name__ == "__main__":
    main(sys.argv[1:])
