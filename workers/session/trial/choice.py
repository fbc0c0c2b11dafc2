"""Which backend serves here: tried once, remembered until something changes."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import psutil

from weights.manifest import InstalledModel
from workers.session.backends import (
    CPU,
    INT8,
    STAR_BATCH,
    Backend,
    Libraries,
    PrecisionChoice,
    candidates,
    libraries_here,
)
from workers.session.needed_models import NO_NETWORKS
from workers.session.providers import ProviderChoice, ProviderError, default_processes
from workers.session.trial.attempt import AttemptRequest
from workers.session.trial.figures import Attempt, Trial
from workers.session.trial.memory import circumstances, remember, remembered
from workers.session.trial.watched import PATIENCE, watched_attempt

TRIALS_FOLDER = "trials"
ALL_PATIENCE = 600.0
"""Seconds that all attempts together are given."""
FEWEST_SECONDS = 5.0
"""With less than that left nothing is tried any more."""

WORTHWHILE = 0.95
"""A batch must take at most so much of the time of single crops."""


class WatchedAttempt(Protocol):
    """See `workers.session.trial.watched.watched_attempt`."""

    def __call__(self, request: AttemptRequest, *, processes: int, patience: float) -> Attempt: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be run, and what the person left open.

    installed: the records of all models; compiled: folder for compiled Core ML models, beside which
    trials are remembered.
    """

    weights: Path
    installed: tuple[InstalledModel, ...]
    compiled: Path
    provider: ProviderChoice = "auto"
    precision: PrecisionChoice = "any"

    @property
    def networks(self) -> tuple[InstalledModel, ...]:
        """The models that a backend runs, each once."""
        found = {one.name: one for one in self.installed if one.name not in NO_NETWORKS}
        return tuple(found.values())

    @property
    def subject(self) -> str:
        """What distinguishes its trial from others'."""
        names = ", ".join(one.name for one in self.networks)
        return f"{names}; --provider {self.provider} --precision {self.precision}"

    def backends(self, libraries: Libraries) -> list[Backend]:
        """What there is to try. Raises ProviderError where it is not here."""
        return candidates(self.provider, self.precision, libraries)

    def circumstances(self, libraries: Libraries) -> dict[str, str]:
        """What its trial depends on."""
        return circumstances([CPU, *self.backends(libraries)], self.networks, _cpu_processes())

    @property
    def trials(self) -> Path:
        """The folder of what is remembered."""
        return self.compiled.with_name(TRIALS_FOLDER)


def choose_backend(
    wish: Wish,
    say: Callable[[str], None],
    *,
    libraries: Libraries | None = None,
    attempt: WatchedAttempt = watched_attempt,
    anew: bool = False,
) -> tuple[Backend, Trial | None]:
    """The fastest backend that is right here, and the trial that found it; None where there is
    nothing but the CPU to choose.

    say: gets lines for people; anew: whatever is remembered. Raises ProviderError where what was
    asked for by name is not here or not right.
    """
    libraries = libraries or libraries_here()
    found = wish.backends(libraries)
    if found in ([CPU], [INT8]):  # INT8's numbers were held against CPU's when it was made
        return found[0], None
    trial = None if anew else remembered_trial(wish, libraries)
    if trial is None:
        trial = prove(wish, found, _cpu_processes(), say, attempt)
        try:
            remember(wish.trials, wish.subject, wish.circumstances(libraries), trial)
        except OSError as error:
            say(f"this cannot be remembered ({error}): the next start tries again")
    if trial.chosen is None:
        reasons = "; ".join(str(one) for one in trial.attempts if one.backend in found)
        raise ProviderError(f"{_asked(wish)} does not work here: {reasons or 'nothing to try'}")
    if trial.chosen == CPU:
        say(_why_cpu(trial))
    return trial.chosen, trial


def remembered_trial(wish: Wish, libraries: Libraries) -> Trial | None:
    """What was found before, where nothing has changed since."""
    return remembered(wish.trials, wish.subject, wish.circumstances(libraries))


def prove(
    wish: Wish,
    backends: Sequence[Backend],
    processes: int,
    say: Callable[[str], None],
    attempt: WatchedAttempt,
) -> Trial:
    """Try all backends, one after the other, then the best one with STAR's crops in batches.

    processes: how many the CPU is given to. Raises ProviderError where not even the CPU runs the
    networks.
    """
    attempts: list[Attempt] = []
    deadline = time.monotonic() + ALL_PATIENCE

    def note(tried: Attempt) -> Attempt:
        attempts.append(tried)
        say(str(tried))
        return tried

    say("finding out what runs the models best on this machine: once, and ten minutes at most")
    with tempfile.TemporaryDirectory(prefix="facemirror-trial-") as folder:

        def tried(backend: Backend) -> Attempt:
            request = AttemptRequest(
                weights=str(wish.weights.absolute()),
                networks=wish.networks,
                backend=backend,
                compiled=str(wish.compiled),
                answers=str(Path(folder) / "answers.npz"),
                reference=backend == CPU,
            )
            left = deadline - time.monotonic()
            if left < FEWEST_SECONDS:
                return note(Attempt(backend=backend, why_not="no time was left to try it"))
            many = processes if backend.provider == "cpu" else 1
            return note(attempt(request, processes=many, patience=min(PATIENCE, left)))

        reference = tried(CPU)
        if not reference.right:
            raise ProviderError(f"the models do not run here: {reference.why_not}")
        right = [reference] if CPU in backends else []
        for backend in backends:
            lacking = _lacking(wish, backend)
            if lacking:
                note(Attempt(backend=backend, why_not=f"these weights have no {lacking}"))
            elif backend != CPU:
                right += [one for one in [tried(backend)] if one.right]
        best = min(right, key=lambda one: one.machine_ms, default=None)
        if best is not None and _has_batches(wish, best.backend):
            batched = tried(replace(best.backend, star_batch=STAR_BATCH))
            if batched.right and batched.machine_ms <= WORTHWHILE * best.machine_ms:
                best = batched
    return Trial(chosen=None if best is None else best.backend, attempts=tuple(attempts))


def _lacking(wish: Wish, backend: Backend) -> str:
    """The kind that a backend runs, where the record has it of no network at all."""
    if backend.kind == "fp32" or any(one.variant(backend.kind) for one in wish.networks):
        return ""
    return f"{backend.kind} files"


def _has_batches(wish: Wish, backend: Backend) -> bool:
    """Whether STAR may be run in batches: on a CPU they are no faster."""
    return backend.provider != "cpu" and any(
        one.name == "star98" and one.variant(backend.kind, STAR_BATCH) for one in wish.networks
    )


def _asked(wish: Wish) -> str:
    precision = "" if wish.precision == "any" else f" with --precision {wish.precision}"
    return f"provider '{wish.provider}'{precision}"


def _why_cpu(trial: Trial) -> str:
    wrong = [str(one) for one in trial.attempts if not one.right]
    slower = [one for one in trial.attempts if one.right and one.backend != CPU]
    if slower:
        return "the CPU is the fastest here that is right: 'facemirror doctor' says what was tried"
    return f"nothing but the CPU is right here ({'; '.join(wrong)})"


def _cpu_processes() -> int:
    """How many processes the CPU would be given to."""
    return default_processes("cpu", *_cores_and_memory())


def _cores_and_memory() -> tuple[int, int]:
    return psutil.cpu_count(logical=False) or 1, psutil.virtual_memory().total
