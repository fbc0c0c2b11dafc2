"""What serves each command here: remembered, or found out by a trial."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ops.doctor.findings import Service, Trouble
from ops.tuning.kept_choice import Circumstances, processes_for
from weights.manifest import AuMethod, InstalledModel, WeightsError
from workers.face.scheme import LandmarkName
from workers.process.arithmetic import arithmetic
from workers.session.backends import CPU, Backend, Libraries
from workers.session.needed_models import LANDMARKS_AND_AUS, check_weights
from workers.session.providers import ProviderError
from workers.session.trial.choice import WatchedAttempt, Wish, choose_backend, remembered_trial

ModelSets = dict[tuple[LandmarkName, AuMethod], tuple[InstalledModel, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Where and how trials are made. compiled: folder for compiled Core ML models, beside which
    they are remembered; anew: whatever is remembered; say: gets lines for people meanwhile."""

    weights: Path
    compiled: Path
    libraries: Libraries
    attempt: WatchedAttempt
    anew: bool
    say: Callable[[str], None]


def services(trials: Trials, troubles: list[Trouble]) -> tuple[Service, ...]:
    """What serves each kind of analysis that `run` may be asked for, and a `worker`, which serves
    all of them. troubles: gets what is missing or wrong.

    A trial is made for the first analysis and for the worker; the others' are made when they are
    first asked for.
    """
    sets: ModelSets = {}
    faults: list[WeightsError] = []
    for landmarks, aus in LANDMARKS_AND_AUS:
        try:
            sets[landmarks, aus] = check_weights(trials.weights, landmarks, aus)
        except WeightsError as error:
            faults.append(error)
    if not sets:
        what, _, remedy = str(faults[0]).rpartition(": ")
        troubles.append(Trouble(what=what, remedy=remedy))
        return ()
    return tuple(_services(trials, sets, troubles))


def _services(trials: Trials, sets: ModelSets, troubles: list[Trouble]) -> Iterator[Service]:
    first, *_ = sets
    for kind, models in sets.items():
        command = f"run --aus {kind[1]} --landmarks {kind[0]}"
        yield _service(trials, command, {kind: models}, kind == first, troubles)
    yield _service(trials, "worker", sets, True, troubles)


def _service(
    trials: Trials, command: str, sets: ModelSets, try_it: bool, troubles: list[Trouble]
) -> Service:
    wish = Wish(
        weights=trials.weights,
        installed=tuple(model for models in sets.values() for model in models),
        compiled=trials.compiled,
    )
    before = None if trials.anew else remembered_trial(wish, trials.libraries)
    backend: Backend | None = None
    trial, why_not = before, ""
    if not try_it and before is None and wish.backends(trials.libraries) != [CPU]:
        why_not = "not tried yet: it will be when it is first asked for"
    else:
        try:
            backend, trial = choose_backend(
                wish,
                trials.say,
                libraries=trials.libraries,
                attempt=trials.attempt,
                anew=trials.anew,
            )
        except ProviderError as error:
            why_not = str(error)
            troubles.append(
                Trouble(what=f"{command}: {why_not}", remedy="facemirror doctor --anew")
            )
    return Service(
        command=command,
        backend=None if backend is None else str(backend),
        why_not=why_not,
        trial=trial,
        remembered=before is not None,
        workers="" if backend is None else _workers(backend, sets),
    )


def _workers(backend: Backend, sets: ModelSets) -> str:
    """How many are started, and why."""
    number = processes_for(
        None,
        backend.provider,
        lambda: [
            Circumstances.here(arithmetic(backend), models, *kind) for kind, models in sets.items()
        ],
    )
    return f"{number.count} worker{'s' * (number.count > 1)}{number.why}"
