"""Frames a second of the whole command for each way to action units, beside its networks alone and
beside other programs, all taking turns."""

import json
import shlex
import subprocess
from dataclasses import dataclass, field

from ops.bench.measuring.bare_models import BareModels, bare_models
from ops.bench.measuring.figures import Findings
from ops.bench.measuring.methods import Method, usable_methods
from ops.bench.measuring.run_figures import add_costs, add_pace, add_traffic
from ops.bench.measuring.setting import Setting
from ops.bench.measuring.whole_run import WholeRun, whole_run
from ops.errors import UsageError

PART = "speed"
FEWEST_MODEL_FRAMES = 10
MODEL_FRAMES = {"star98": 24}
MOST_MODEL_FRAMES = 120


@dataclass(slots=True)
class _Rounds:
    """What was measured of a method, round by round."""

    alone: list[BareModels] = field(default_factory=list)
    runs: list[WholeRun] = field(default_factory=list)


def measure(setting: Setting, findings: Findings) -> None:
    """Every method, as often as there are rounds."""
    found = {method: _Rounds() for method in usable_methods(setting.weights, findings)}
    others: dict[str, list[float]] = {name: [] for name in setting.beside}
    for number in range(1, setting.rounds + 1):
        for method, rounds in found.items():
            setting.say(f"{PART}: {method.name}, round {number} of {setting.rounds}")
            if not method.more:  # other options call the networks as often as they like
                rounds.alone.append(_networks_alone(setting, method))
            options = [*method.options, "--workers", str(setting.workers)]
            rounds.runs.append(whole_run(setting.recording, setting.weights, options))
        for name, command in setting.beside.items():
            setting.say(f"{PART}: {name}, round {number} of {setting.rounds}")
            try:
                others[name].append(frames_per_s_of(command))
            except UsageError as error:
                findings.note(f"{name} was not measured: {error}")
    for method, rounds in found.items():
        _add(findings, method, rounds, others)
    for name, values in others.items():
        findings.add(PART, name, "frames a second, as it says", "frames/s", values)


def _networks_alone(setting: Setting, method: Method) -> BareModels:
    frames = MODEL_FRAMES.get(method.landmarks, MOST_MODEL_FRAMES)
    if setting.quick:
        frames = FEWEST_MODEL_FRAMES
    return bare_models(setting.recording, setting.weights, method, frames, setting.workers)


def _add(
    findings: Findings, method: Method, rounds: _Rounds, others: dict[str, list[float]]
) -> None:
    name = method.name
    alone = [one.frames_per_s for one in rounds.alone]
    findings.add(PART, name, "networks alone, as many processes as workers", "frames/s", alone)
    cpu = [one.cpu_ms for one in rounds.alone]
    findings.add(PART, name, "CPU of the networks alone", "ms a frame", cpu)
    add_pace(findings, PART, name, rounds.runs)
    steady = [run.steady or 0.0 for run in rounds.runs]
    shares = [100 * run / bare for run, bare in zip(steady, alone, strict=False)]
    findings.add(PART, name, "run, steady, of the networks alone", "%", shares)
    stages = [sum(run.stage_cpu_ms.values()) for run in rounds.runs]
    shares = [100 * one / all_stages for one, all_stages in zip(cpu, stages, strict=False)]
    findings.add(PART, name, "CPU of the networks alone, of all stages'", "%", shares)
    for other, values in others.items():
        times = [run / value for run, value in zip(steady, values, strict=False)]
        findings.add(PART, name, f"run, steady, beside {other}", "times", times)
    add_costs(findings, PART, name, rounds.runs)
    add_traffic(findings, PART, name, rounds.runs)


def frames_per_s_of(command: str) -> float:
    """What another program says of itself in its last line. Raises UsageError where it does not."""
    try:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
        return float(json.loads(done.stdout.strip().splitlines()[-1])["frames_per_s"])
    except (OSError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"'{command}' does not print a JSON line with frames_per_s ({error!r}): start it by "
            "hand and see what it says"
        ) from error
