"""Which device of a Mac takes which operation of a Core ML program, as Core ML plans it.

Only a Mac can ask. Planning loads the program, so it happens in a process of its own:

    python -m workers.session.compute_plan REQUEST

REQUEST, and what is said on the last line of standard output, are JSON.
"""

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from workers.session.backends import ComputeUnits

PATIENCE = 120.0
"""Seconds that planning a program may take."""

NEURAL_ENGINE = "Neural Engine"
DEVICES = {
    "MLNeuralEngineComputeDevice": NEURAL_ENGINE,
    "MLGPUComputeDevice": "GPU",
    "MLCPUComputeDevice": "CPU",
}
"""People's names by coremltools' classes."""


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """package: an .mlpackage; compiled: the folder of its compiled form."""

    package: str
    compiled: str
    units: ComputeUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePlan:
    """operations: how many of each kind every device takes; cost: each device's share of the whole
    estimated cost, 0 to 1; why_not: why nothing is known, else empty."""

    operations: dict[str, dict[str, int]]
    cost: dict[str, float]
    why_not: str = ""

    def share(self, device: str) -> float:
        """What part of the operations a device takes, 0 to 1."""
        total = sum(sum(counts.values()) for counts in self.operations.values())
        return sum(self.operations.get(device, {}).values()) / total if total else 0.0

    def elsewhere(self, device: str) -> dict[str, int]:
        """The operations that other devices take."""
        found: dict[str, int] = {}
        for other, counts in self.operations.items():
            for operator, count in counts.items() if other != device else ():
                found[operator] = found.get(operator, 0) + count
        return found


def watched_plan(request: PlanRequest, patience: float = PATIENCE) -> DevicePlan:
    """The plan of a program, made in a process of its own; or why there is none."""
    asked = msgspec.json.encode(request).decode()
    command = [sys.executable, "-P", "-m", "workers.session.compute_plan", asked]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=patience, check=False, errors="replace"
        )
        return msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=DevicePlan)
    except subprocess.TimeoutExpired:
        why_not = f"it was not ready within {patience:.0f} s"
    except (IndexError, msgspec.DecodeError):
        why_not = (done.stderr.strip() or "no message").splitlines()[-1]
    return DevicePlan(operations={}, cost={}, why_not=why_not)


def device_plan(plan: Any) -> DevicePlan:
    """What coremltools' MLComputePlan says of a program. Operations without a device are constants.

    Raises ValueError for what is no program.
    """
    program = plan.model_structure.program
    if program is None:
        raise ValueError("this Core ML model is no program")
    operations: dict[str, dict[str, int]] = {}
    cost: dict[str, float] = {}
    for operation in _operations(program.functions["main"].block):
        usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
        if usage is None:
            continue
        class_name = type(usage.preferred_compute_device).__name__
        device = DEVICES.get(class_name, class_name)
        counts = operations.setdefault(device, {})
        counts[operation.operator_name] = counts.get(operation.operator_name, 0) + 1
        estimated = plan.get_estimated_cost_for_mlprogram_operation(operation)
        if estimated is not None:
            cost[device] = cost.get(device, 0.0) + estimated.weight
    return DevicePlan(operations=operations, cost=cost)


def _operations(block: Any) -> Iterable[Any]:
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from _operations(inner)


def main(arguments: list[str]) -> None:
    """Plan the program that is asked for."""
    import coremltools
    from coremltools.models.compute_plan import MLComputePlan

    from workers.session.coreml_model import compiled_program

    request = msgspec.json.decode(arguments[0], type=PlanRequest)
    program = compiled_program(Path(request.package), Path(request.compiled))
    plan = MLComputePlan.load_from_path(
        path=str(program), compute_units=coremltools.ComputeUnit[request.units]
    )
    print(msgspec.json.encode(device_plan(plan)).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
