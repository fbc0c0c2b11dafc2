"""The doctor's page: one screen for people."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from ops.doctor.findings import Findings, FoundFile, Service, Trouble
from workers.session.compute_plan import NEURAL_ENGINE, DevicePlan
from workers.session.trial.figures import BOUNDS, Attempt, Trial

GOOD, BAD, DOUBTFUL = "green", "red", "yellow"


def page(findings: Findings) -> Group:
    """Everything that was found."""
    return Group(*_parts(findings))


def _parts(findings: Findings) -> Iterator[RenderableType]:
    said = ", ".join(f"{name} {found}" for name, found in findings.versions.items())
    yield Text.assemble(("This machine  ", "bold"), f"{findings.machine}; {findings.system}")
    yield Text.assemble(("Versions  ", "bold"), said)
    yield Text.assemble(("Runs models  ", "bold"), ", ".join(findings.providers))
    yield Text.assemble(("Redis server  ", "bold"), findings.redis or "none")
    yield Text("")
    yield from _services(findings.services)
    if findings.files:
        yield _files(findings.weights, findings.files)
    if findings.plans:
        yield _plans(findings.plans)
    yield from _troubles(findings.troubles)


def _table(title: str, *headings: str) -> Table:
    """Long names are folded, never cut short."""
    columns = (Column(heading, overflow="fold") for heading in headings)
    return Table(*columns, title=title, title_justify="left")


def _services(services: tuple[Service, ...]) -> Iterator[RenderableType]:
    table = _table("What serves here", "facemirror", "runs on", "workers")
    for one in services:
        runs = Text(one.backend or one.why_not, style="" if one.backend else DOUBTFUL)
        table.add_row(one.command, runs, one.workers)
    if services:
        yield table
    shown: list[Trial] = []
    for one in services:
        if one.trial is not None and one.trial not in shown:
            shown.append(one.trial)
            yield _trial(one.command, one.trial)


def _trial(command: str, trial: Trial) -> Table:
    """How far every backend's answers are from the CPU's, and what it takes."""
    bounds = ", ".join(f"{what} {bound:g}" for what, bound in BOUNDS.items())
    off = f"off the CPU's (at most {bounds})"
    table = _table(f"What was tried for {command}", "", "backend", "ms a frame", off, "took, s")
    for one in trial.attempts:
        table.add_row(*_attempt(one, one.backend == trial.chosen))
    return table


def _attempt(one: Attempt, chosen: bool) -> list[str | Text]:
    measured = bool(one.networks)
    state = Text("serves", style=GOOD) if chosen else Text("right")
    many = f" in each of {one.processes}" if one.processes > 1 else ""
    off = "\n".join(f"{what} {value:.3g}" for what, value in one.off.items())
    return [
        state if one.right else Text("wrong" if measured else "fails", style=BAD),
        str(one.backend),
        f"{one.frame_ms:.1f}{many}" if measured else "",
        off or one.why_not,
        f"{one.seconds:.0f}",
    ]


def _files(folder: str, files: tuple[FoundFile, ...]) -> Table:
    table = _table(f"Weights in {folder}", "file", "kind", "state", "drift", "made from")
    for one in files:
        batch = f", {one.batch} at once" if one.batch > 1 else ""
        table.add_row(
            one.file,
            one.kind + batch,
            Text(one.state, style=GOOD if one.state == "unchanged" else DOUBTFUL),
            "" if one.drift is None else f"{one.drift:.2g} {one.unit}",
            one.origin if (one.kind, one.batch) == ("fp32", 1) else "",
        )
    return table


def _plans(plans: dict[str, DevicePlan]) -> Table:
    others = f"of its cost on the {NEURAL_ENGINE}", f"not on the {NEURAL_ENGINE}"
    title = "What Core ML plans, share of the operations"
    table = _table(title, "model", NEURAL_ENGINE, "GPU", "CPU", *others)
    for name, plan in plans.items():
        if plan.why_not:
            table.add_row(name, "", "", "", "", Text(plan.why_not, style=DOUBTFUL))
            continue
        elsewhere = plan.elsewhere(NEURAL_ENGINE)
        table.add_row(
            name,
            *(f"{plan.share(device):.1%}" for device in (NEURAL_ENGINE, "GPU", "CPU")),
            f"{plan.cost.get(NEURAL_ENGINE, 0.0):.1%}",
            ", ".join(f"{count} {operator}" for operator, count in elsewhere.items()),
        )
    return table


def _troubles(troubles: Iterable[Trouble]) -> Iterator[Text]:
    found = list(troubles)
    for one in found:
        style = BAD if one.serious else DOUBTFUL
        yield Text.assemble((one.what, style), f": {one.remedy}")
    if not any(one.serious for one in found):
        yield Text("this machine is well", style=GOOD)
