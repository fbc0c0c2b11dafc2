"""The ways to action units that are measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ops.bench.measuring.figures import Findings
from weights.manifest import AuMethod, WeightsError
from workers.face.scheme import LandmarkName
from workers.session.needed_models import check_weights


@dataclass(frozen=True, slots=True)
class Method:
    """Landmarks and AUs that go together; more: further options of `facemirror run`."""

    landmarks: LandmarkName
    aus: AuMethod
    more: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As the table says it."""
        return " ".join([f"{self.aus}+{self.landmarks}", *self.more])

    @property
    def options(self) -> list[str]:
        """Of the command."""
        return ["--aus", self.aus, "--landmarks", self.landmarks, *self.more]


FAST = ("--fast",)
METHODS = (
    Method("star98", "openface3"),
    Method("star98", "openface3", FAST),
    Method("clnf68", "openface2"),
    Method("pfld68", "openface2"),
    Method("pfld68", "openface2", FAST),
)


def usable_methods(weights: Path, findings: Findings) -> Iterator[Method]:
    """Those whose models are there; a note for each other one."""
    for method in METHODS:
        try:
            check_weights(weights, method.landmarks, method.aus)
        except WeightsError as error:
            findings.note(f"{method.name} was not measured: {str(error).partition(':')[0]}")
        else:
            yield method
