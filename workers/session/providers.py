"""Execution providers: what runs a model, and with which options."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Provider = Literal["coreml", "cuda", "cpu", "simulated"]
"""`simulated` runs no model: see workers.chunk.simulation."""

ProviderChoice = Literal["auto", "coreml", "cuda", "cpu"]

ONNX_NAMES: dict[str, str] = {
    "coreml": "CoreMLExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}

ONNX_COMPUTE_UNITS = {
    "CPU_AND_NE": "CPUAndNeuralEngine",
    "CPU_AND_GPU": "CPUAndGPU",
    "ALL": "ALL",
}
"""ONNX Runtime's words for coremltools'."""


class ProviderError(Exception):
    """The provider that was asked for cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class ExecutionProvider:
    """A provider's name in ONNX Runtime and its options."""

    name: str
    options: dict[str, str] = field(default_factory=dict)


def execution_providers(
    provider: Provider, compiled: Path, units: str | None = None
) -> list[ExecutionProvider]:
    """What to hand to ONNX Runtime. compiled: the folder for compiled Core ML models; units: what
    Core ML may use, in coremltools' words, None for everything.

    Nodes that the accelerator does not take run on the CPU provider.
    """
    cpu = ExecutionProvider(ONNX_NAMES["cpu"])
    if provider == "coreml":
        options = coreml_options(compiled, ONNX_COMPUTE_UNITS[units or "ALL"])
        return [ExecutionProvider(ONNX_NAMES["coreml"], options), cpu]
    if provider == "cuda":
        # Heuristic and exhaustive algorithm search may pick another sum order on each start.
        options = {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"}
        return [ExecutionProvider(ONNX_NAMES["cuda"], options), cpu]
    return [cpu]


def coreml_options(compiled: Path, units: str) -> dict[str, str]:
    """Options of ONNX Runtime's Core ML provider, as its documentation names them."""
    return {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": units,
        "RequireStaticInputShapes": "1",
        "ModelCacheDirectory": str(compiled),
    }


def default_processes(provider: Provider, cores: int, memory: int) -> int:
    """How many worker processes a machine runs by default.

    One where an accelerator serialises its users; on a CPU one for each physical core, as long as
    each has 1.5 GiB of memory (bytes).
    """
    if provider != "cpu":
        return 1
    return max(1, min(cores, memory // (3 << 29)))
