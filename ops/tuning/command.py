"""`facemirror tune`: measure how many worker processes are the fastest here, and keep it."""

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import av
import psutil
from rich.console import Console

from ops.bench.measuring.films import draw_phantom, film_first_frames
from ops.bench.measuring.whole_run import WholeRun, whole_run
from ops.errors import UsageError
from ops.tuning.kept_choice import Choice, Circumstances, keep
from ops.tuning.search import (
    FILM_FRAMES,
    SECONDS_EACH,
    Trial,
    candidates,
    encoder_worth_it,
    encoders_here,
    fewest_worth_it,
    paces,
)
from workers.chunk.order import AnalysisSettings
from workers.session.needed_models import check_weights
from workers.session.providers import Provider, ProviderChoice

BUSY = 0.3
"""A load a core from which on others have a say in what is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """What the person asked for. recording: to measure on, None for a drawn one; seconds: of
    analysis for each number of processes, about."""

    weights: Path
    analysis: AnalysisSettings
    provider: ProviderChoice = "auto"
    recording: Path | None = None
    seconds: float = SECONDS_EACH


def tune(options: TuneOptions, console: Console) -> Choice:
    """Measure and keep what is fastest; says what was tried.

    Raises WeightsError, and UsageError where nothing can be measured.
    """

    def say(line: str) -> None:
        console.print(line, soft_wrap=True)

    load = os.getloadavg()[0] / (psutil.cpu_count() or 1)
    if load > BUSY:
        console.print(
            "other programs are busy here: what is found now may be wrong", style="yellow"
        )
    analysis = options.analysis
    models = check_weights(options.weights, analysis.landmarks, analysis.aus)
    with tempfile.TemporaryDirectory(prefix="facemirror-tune-") as name:
        trial = _trial(options, Path(name))
        # With x264, as an arithmetic names any other encoder.
        plain = [*trial.with_encoder("x264").options, "--workers", "1"]
        first = whole_run(trial.film, trial.weights, plain)
        _require_faces(first)
        provider = cast(Provider, first.provider)
        cores = psutil.cpu_count(logical=False) or 1
        numbers = candidates(
            provider, cores, psutil.cpu_count() or 1, psutil.virtual_memory().total
        )
        encoder = encoder_worth_it(trial, encoders_here(), say)
        trial = trial.with_encoder(encoder)
        found = paces(trial, numbers, first.steady or 0.0, say)
        width, height = _size(trial.film)
    choice = Choice(
        processes=fewest_worth_it(found),
        encoder=encoder,
        frames_per_s=found,
        width=width,
        height=height,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    under = Circumstances.here(first.arithmetic, models, analysis.landmarks, analysis.aus)
    file = keep(choice, under)
    say(
        f"kept in {file}: run and worker start {choice.processes} of them where --workers is not "
        f"given, for {analysis.aus} with {analysis.landmarks} on '{provider}', until the machine, "
        "versions or weights change. It changes no number: each process keeps to one thread"
    )
    return choice


def _trial(options: TuneOptions, folder: Path) -> Trial:
    film = folder / "film.mp4"
    if options.recording is None:
        draw_phantom(film, FILM_FRAMES)
    elif options.recording.is_file():
        film_first_frames(options.recording, film, FILM_FRAMES)
    else:
        raise UsageError(f"{options.recording}: there is no such file")
    analysis = options.analysis
    words = ("--aus", analysis.aus, "--landmarks", analysis.landmarks)
    return Trial(
        film=film,
        weights=options.weights,
        options=(*words, "--provider", options.provider),
        folder=folder,
        seconds=options.seconds,
    )


def _require_faces(run: WholeRun) -> None:
    if run.frames < FILM_FRAMES:
        raise UsageError(
            f"the recording has {run.frames} frames, {FILM_FRAMES} are needed: choose a longer one"
        )
    if run.measured < run.frames:
        raise UsageError(
            f"{run.frames - run.measured} of its first {run.frames} frames have no face, which "
            "cost less than others: choose a recording with a face in each"
        )


def _size(film: Path) -> tuple[int, int]:
    """Width and height, px."""
    with av.open(str(film)) as file:
        video = file.streams.video[0]
        return video.width, video.height
