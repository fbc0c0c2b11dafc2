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


class ProviderError(Exception):
    """The provider that was asked for cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class ExecutionProvider:
    """A provider's name in ONNX Runtime and its options."""

    name: str
    options: dict[str, str] = field(default_factory=dict)


def candidates(choice: ProviderChoice, available: list[str]) -> list[Provider]:
    """The providers to try, best first.

    available: ONNX Runtime's names of the providers it was built with. Raises ProviderError where
    the one that was asked for by name is not among them: nothing else is put in its place.
    """
    if choice != "auto":
        if ONNX_NAMES[choice] not in available:
            raise ProviderError(
                f"provider '{choice}' is not in this machine's onnxruntime, which has "
                f"{', '.join(available)}: install one that has it, or choose --provider auto"
            )
        return [choice]
    return [p for p in ("coreml", "cuda", "cpu") if ONNX_NAMES[p] in available]


def execution_providers(provider: Provider, compiled: Path) -> list[ExecutionProvider]:
    """What to hand to ONNX Runtime. `compiled`: the folder for compiled Core ML models.

    Nodes that the accelerator does not take run on the CPU provider.
    """
    cpu = ExecutionProvider(ONNX_NAMES["cpu"])
    if provider == "coreml":
        return [ExecutionProvider(ONNX_NAMES["coreml"], coreml_options(compiled)), cpu]
    if provider == "cuda":
        # Heuristic and exhaustive algorithm search may pick another sum order on each start.
        options = {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"}
        return [ExecutionProvider(ONNX_NAMES["cuda"], options), cpu]
    return [cpu]


def coreml_options(compiled: Path) -> dict[str, str]:
    """Options of ONNX Runtime's Core ML provider, as its documentation names them."""
    return {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": "CPUAndNeuralEngine",
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
