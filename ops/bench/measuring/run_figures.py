"""What the table says of runs."""

from collections.abc import Callable

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.redis_traffic import Traffic
from ops.bench.measuring.whole_run import WholeRun

TRAFFIC: tuple[tuple[str, str, Callable[[Traffic], float]], ...] = (
    ("Redis' commands", "a chunk", lambda traffic: traffic.commands),
    ("Redis' reads, about the round trips", "a chunk", lambda traffic: traffic.reads),
    ("received by Redis", "KiB a chunk", lambda traffic: traffic.received / 1024),
    ("sent by Redis", "KiB a chunk", lambda traffic: traffic.sent / 1024),
)


def add_pace(findings: Findings, part: str, subject: str, runs: list[WholeRun]) -> None:
    """How fast they were."""
    steady = [run.steady for run in runs if run.steady is not None]
    first = [run.first_frame for run in runs if run.first_frame is not None]
    whole = [run.whole for run in runs]
    findings.add(part, subject, "run, steady", "frames/s", steady)
    findings.add(part, subject, "run, start-up and all files included", "frames/s", whole)
    findings.add(part, subject, "from the command to the first analysed frame", "s", first)
    if any(run.followed for run in runs):
        shares = [100 * run.followed / run.frames for run in runs]
        findings.add(part, subject, "frames whose landmarks were followed", "%", shares)
    for run in runs:
        if run.measured < run.frames:
            empty = run.frames - run.measured
            findings.note(f"{subject}: {empty} of {run.frames} frames have no face, and cost less")


def add_costs(findings: Findings, part: str, subject: str, runs: list[WholeRun]) -> None:
    """Where their time and memory go."""
    for stage in runs[0].stage_cpu_ms:
        values = [run.stage_cpu_ms[stage] for run in runs]
        findings.add(part, subject, f"CPU of stage '{stage}'", "ms a frame", values)
    for kind in runs[0].cpu_ms:
        values = [run.cpu_ms.get(kind, 0.0) for run in runs]
        findings.add(part, subject, f"CPU of '{kind}', start-up included", "ms a frame", values)
    for kind in runs[0].peak_mebibytes:
        values = [run.peak_mebibytes.get(kind, 0.0) for run in runs]
        findings.add(part, subject, f"largest '{kind}' process", "MiB", values)


def add_traffic(findings: Findings, part: str, subject: str, runs: list[WholeRun]) -> None:
    """What went through Redis; what idle workers ask counts, too."""
    for quantity, unit, total in TRAFFIC:
        values = [total(run.traffic) / run.chunks for run in runs]
        findings.add(part, subject, f"{quantity}, waiting included", unit, values)
