"""Which encoder and which number of worker processes are the fastest here: each is tried with the
whole command."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ops.bench.measuring.films import repeat_film
from ops.bench.measuring.whole_run import whole_run
from workers.session.providers import Provider, default_processes
from workers.video.writing.encoders import Encoder, EncoderChoice, why_not

FILM_FRAMES = 50
"""Of the film that is repeated. OpenFace 2's tracker starts anew as often, so chunks of it cost
what chunks of any length cost a frame."""

SECONDS_EACH = 8.0

MOST_SECONDS = 90.0
"""No further number is tried after that; the last one may take some ten more."""

WORTH_IT = 0.03
"""A further process has to bring this share at least: it takes memory, and cores from others."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is run. film: FILM_FRAMES frames; options: of `facemirror run`; folder: for films;
    seconds: of analysis, for each number of processes, about."""

    film: Path
    weights: Path
    options: tuple[str, ...]
    folder: Path
    seconds: float = SECONDS_EACH

    def with_encoder(self, encoder: EncoderChoice) -> "Trial":
        """The same, its videos written by this one."""
        return replace(self, options=(*self.options, "--encoder", encoder))


def candidates(provider: Provider, cores: int, threads: int, memory: int) -> tuple[int, ...]:
    """Numbers of processes to try, the likeliest first. cores: physical; memory: bytes."""
    if provider != "cpu":
        return (1, 2)
    more = threads if threads > cores else cores + 1
    numbers = (cores, more, cores - 1, cores // 2, (cores + more) // 2)
    fitting = (default_processes("cpu", number, memory) for number in numbers)
    return tuple(dict.fromkeys(fitting))


def paces(
    trial: Trial, numbers: Iterable[int], of_one: float, say: Callable[[str], None]
) -> dict[int, float]:
    """Frames/s of each number of processes, start-up left out; those that there was time for.

    of_one: frames/s of a single process, which says how long the films must be.
    """
    begun = time.monotonic()
    found: dict[int, float] = {}
    repeats = max(1, round(trial.seconds * of_one / FILM_FRAMES))
    for number in numbers:
        if found and time.monotonic() - begun > MOST_SECONDS:
            break
        found[number] = steady_pace(trial, number, repeats)
        say(f"{number} process{'es' * (number > 1)}: {found[number]:.1f} frames/s")
    return found


def steady_pace(trial: Trial, processes: int, repeats: int) -> float:
    """Frames/s with a chunk for each process, all of one length: so often the film."""
    film = repeat_film(trial.film, trial.folder / "repeated.mp4", processes * repeats)
    chunk = ("--workers", str(processes), "--chunk-frames", str(repeats * FILM_FRAMES))
    run = whole_run(film, trial.weights, [*trial.options, *chunk])
    assert run.steady is not None  # this version tells
    return run.steady


def encoder_worth_it(
    trial: Trial, encoders: Sequence[Encoder], say: Callable[[str], None]
) -> EncoderChoice:
    """x264 where it beats this machine's hardware, else what is chosen by itself.

    encoders: that work here.
    """
    if len(encoders) < 2:
        return "auto"
    found: dict[Encoder, float] = {}
    for encoder in encoders:
        found[encoder] = steady_pace(trial.with_encoder(encoder), 1, 1)
        say(f"encoder {encoder}: {found[encoder]:.1f} frames/s")
    others = max(pace for encoder, pace in found.items() if encoder != "x264")
    return "x264" if (1 - WORTH_IT) * found["x264"] > others else "auto"


def encoders_here() -> tuple[Encoder, ...]:
    """Those that work on this machine; only a Mac has more than x264."""
    if sys.platform == "darwin" and why_not("videotoolbox") is None:
        return ("x264", "videotoolbox")
    return ("x264",)


def fewest_worth_it(found: dict[int, float]) -> int:
    """The smallest number that is as fast as the fastest, but for WORTH_IT."""
    fastest = max(found.values())
    return min(number for number, pace in found.items() if pace >= (1 - WORTH_IT) * fastest)
