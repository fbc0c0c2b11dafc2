"""What the doctor finds: plain data, for the page and for JSON."""

from dataclasses import dataclass

from weights.manifest import ModelKind
from workers.session.compute_plan import DevicePlan
from workers.session.trial.figures import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A model's file. state: `unchanged`, `missing` or `changed`; drift: of a kind, in its unit;
    origin: what it was made from."""

    model: str
    kind: ModelKind
    batch: int
    file: str
    state: str
    drift: float | None
    unit: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What serves a command here. why_not: in one line, why nothing does; remembered: the trial was
    made earlier; workers: how many are started, and why so many."""

    command: str
    backend: str | None
    why_not: str
    trial: Trial | None
    remembered: bool
    workers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is missing or wrong, and what to type. serious: nothing can be analysed before
    that is done, or numbers are in doubt."""

    what: str
    remedy: str
    serious: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything about this machine. plans: Core ML's, by the model's name, on a Mac only."""

    machine: str
    system: str
    versions: dict[str, str]
    providers: tuple[str, ...]
    redis: str | None
    weights: str
    files: tuple[FoundFile, ...]
    services: tuple[Service, ...]
    plans: dict[str, DevicePlan]
    troubles: tuple[Trouble, ...]

    @property
    def well(self) -> bool:
        """Whether this machine can analyse, and nothing puts its numbers in doubt."""
        return not any(trouble.serious for trouble in self.troubles)
