"""What was measured, as one table: for people in Markdown, for programs in JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from ops.bench.measuring.machine import Machine


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity. part: of the benchmark; subject: what did it, on what; values: one for each
    round, in the order in which they were measured."""

    part: str
    subject: str
    quantity: str
    unit: str
    values: tuple[float, ...]

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.values)


@dataclass(slots=True)
class Findings:
    """The figures in the order in which they came, and lines on what whoever reads them must know:
    what was not measured, and why."""

    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, part: str, subject: str, quantity: str, unit: str, values: Sequence[float]
    ) -> None:
        """One figure more; none where there are no values."""
        if values:
            self.figures.append(Figure(part, subject, quantity, unit, tuple(values)))

    def note(self, line: str) -> None:
        """One line more, once."""
        if line not in self.notes:
            self.notes.append(line)


def as_markdown(machine: Machine, findings: Findings) -> str:
    """The machine in two lines, the table, and the notes."""
    lines = [
        machine.said(),
        "",
        "| part | what | figure | | unit | rounds |",
        "| --- | --- | --- | ---: | --- | --- |",
    ]
    for figure in findings.figures:
        rounds = ", ".join(map(rounded, figure.values)) if len(figure.values) > 1 else ""
        cells = (figure.part, figure.subject, figure.quantity, rounded(figure.value), figure.unit)
        lines.append(f"| {' | '.join(cells)} | {rounds} |")
    if findings.notes:
        lines += ["", *(f"- {note}" for note in findings.notes)]
    return "\n".join(lines) + "\n"


def as_json(machine: Machine, findings: Findings) -> str:
    """The same with every digit; `value` is the median of `values`."""
    content = {
        "machine": asdict(machine),
        "figures": [asdict(figure) | {"value": figure.value} for figure in findings.figures],
        "notes": findings.notes,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def rounded(value: float) -> str:
    """Three digits that count, and no powers of ten."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
