"""What a trial found: figures that travel as JSON to other processes, to run.json and to people.

Imports nothing heavy: a worker's parent reads them.
"""

from dataclasses import dataclass

from workers.session.backends import Backend

BOUNDS = {"points, px": 0.5, "boxes, px": 1.0, "scores": 0.01}
"""How far answers may be from the CPU's: points in px of the landmark model's crop, boxes in px of
the detector's picture."""

NO_NUMBERS = 1e9
"""So far off are answers of a wrong shape, and such that are no numbers: JSON has no infinity."""

SEARCHES_A_FRAME = 0.1
"""The whole picture is searched for faces in every tenth frame."""


@dataclass(frozen=True, slots=True)
class NetworkFigures:
    """ms: for what a frame asks of the network, the median; off: how far its answers are from the
    CPU's, at most, by what BOUNDS names."""

    name: str
    ms: float
    off: dict[str, float]

    @property
    def too_far(self) -> str:
        """What is out of bounds; empty where nothing is."""
        return ", ".join(
            f"{self.name}'s answers are no numbers"
            if value >= NO_NUMBERS
            else f"{self.name}'s {what} are {value:.3g} off, more than {BOUNDS[what]:g}"
            for what, value in self.off.items()
            if not value <= BOUNDS[what]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A backend that was tried.

    why_not: why it must not serve, in one line; empty where all its answers are right; seconds:
    all that it took, compiling included; processes: how many of it a machine runs side by side.
    """

    backend: Backend
    why_not: str = ""
    networks: tuple[NetworkFigures, ...] = ()
    seconds: float = 0.0
    processes: int = 1

    @property
    def right(self) -> bool:
        """Whether it may serve."""
        return not self.why_not

    @property
    def frame_ms(self) -> float:
        """What the networks take for a frame in one process."""
        return sum(
            one.ms * (SEARCHES_A_FRAME if one.name == "retinaface_frame" else 1.0)
            for one in self.networks
        )

    @property
    def machine_ms(self) -> float:
        """What they take for a frame where every process has one in hand."""
        return self.frame_ms / self.processes

    @property
    def off(self) -> dict[str, float]:
        """How far the answers of any network are off, at most, by what BOUNDS names."""
        return {
            what: max(one.off[what] for one in self.networks if what in one.off)
            for what in BOUNDS
            if any(what in one.off for one in self.networks)
        }

    def __str__(self) -> str:
        """One line for people."""
        if self.why_not:
            return f"{self.backend}: {self.why_not}"
        many = f" in each of {self.processes} processes" if self.processes > 1 else ""
        off = "".join(f"; {what} {value:.2g} off" for what, value in self.off.items() if value)
        return f"{self.backend}: right, {self.frame_ms:.1f} ms a frame{many}{off}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """All that was tried, in order; chosen: the fastest that is right, None where none is."""

    chosen: Backend | None
    attempts: tuple[Attempt, ...]
