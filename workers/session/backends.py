"""Backends: what runs the models of a process, from which kind of files, on which units.

A backend is a library (ONNX Runtime or coremltools) with its options. Backends give numbers that
differ, so a recording has one; which of them serves on a machine `workers.session.trial` finds out.

Imports nothing heavy: a worker's parent asks.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from typing import Literal

from weights.manifest import InstalledModel, ModelKind
from workers.session.providers import ONNX_NAMES, Provider, ProviderChoice, ProviderError

Library = Literal["onnxruntime", "coremltools"]

ComputeUnits = Literal["CPU_AND_NE", "CPU_AND_GPU", "ALL"]
"""What Core ML may use of a Mac, in coremltools' words. NE: the Neural Engine."""

Precision = Literal["fp32", "fp16", "int8"]
"""What the numbers between a network's layers are."""

PrecisionChoice = Literal["any", "fp32", "fp16", "int8"]
"""`any` is either kind of floats: int8 is less exact, so it has to be asked for."""

PRECISIONS: dict[ModelKind, Precision] = {
    "fp32": "fp32",
    "fp16": "fp16",
    "coreml": "fp16",
    "int8": "int8",
}

STAR_BATCH = 4
"""How many crops STAR takes at once where that is faster."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What runs the models of a process.

    kind: of the model files; units: Core ML's, None without it; star_batch: how many crops STAR
    takes at once.
    """

    provider: Provider
    kind: ModelKind = "fp32"
    library: Library = "onnxruntime"
    units: ComputeUnits | None = None
    star_batch: int = 1

    @property
    def precision(self) -> Precision:
        """What its numbers are between the layers."""
        return PRECISIONS[self.kind]

    @property
    def name(self) -> str:
        """Everything that changes numbers, in letters, digits and _: `coreml_coremltools_ne`."""
        parts: list[str] = [self.provider]
        if self.units is not None:
            parts += [self.library, self.units.lower().removeprefix("cpu_and_")]
        if self.kind != "fp32":
            parts.append(self.precision)
        if self.star_batch > 1:
            parts.append(f"x{self.star_batch}")
        return "_".join(parts)

    def __str__(self) -> str:
        """As people read it: `provider 'coreml' (coremltools, CPU_AND_NE, fp16)`."""
        said: list[str | None] = [self.library, self.units, self.precision]
        if self.star_batch > 1:
            said.append(f"STAR by {self.star_batch}")
        return f"provider '{self.provider}' ({', '.join(filter(None, said))})"


CPU = Backend("cpu")
"""The reference: float32 on the processor, which every machine has."""

INT8 = Backend("cpu", "int8")
"""The network that is quantized, and the others in float32."""

QUANTIZED = "star98"
"""The one network that there is an int8 kind of."""

SIMULATED_BACKEND = Backend("simulated")


@dataclass(frozen=True, slots=True)
class Libraries:
    """What can run models on a machine. onnx_providers: those that ONNX Runtime was built with."""

    onnx_providers: tuple[str, ...]
    coremltools: bool = False


def libraries_here() -> Libraries:
    """What can run models on this machine."""
    if sys.platform == "linux" and not _installed("onnxruntime-gpu"):
        return Libraries((ONNX_NAMES["cpu"],))  # without the third of a second of an import
    import onnxruntime

    coremltools = sys.platform == "darwin" and find_spec("coremltools") is not None
    return Libraries(tuple(onnxruntime.get_available_providers()), coremltools)


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def candidates(
    choice: ProviderChoice, precision: PrecisionChoice, libraries: Libraries
) -> list[Backend]:
    """The backends to try; the last one is the CPU where `choice` leaves it open.

    Float16 where nobody asks for it is for Core ML, whose Neural Engine takes nothing else. Raises
    ProviderError where what was asked for by name is not here: nothing else is put in its place.
    """
    if choice != "auto" and not _there(choice, libraries):
        raise ProviderError(
            f"provider '{choice}' is not in this machine's onnxruntime, which has "
            f"{', '.join(libraries.onnx_providers)}: install one that has it, or choose "
            "--provider auto"
        )
    coreml = _coreml_backends(libraries) if choice in ("auto", "coreml") else []
    cuda = [Backend("cuda"), Backend("cuda", "fp16")] if _there("cuda", libraries) else []
    cpu = [CPU, Backend("cpu", "fp16"), INT8]
    named = {"auto": [*coreml, *cuda, *cpu], "coreml": coreml, "cuda": cuda}
    found = named.get(choice, cpu)
    if precision == "int8" and INT8 not in found:
        raise ProviderError("--precision int8 runs on the CPU alone: choose --provider cpu")
    if precision == "any":
        return [one for one in found if one.provider == "coreml" or one.precision == "fp32"]
    return [one for one in found if one.precision == precision]


def _there(provider: Provider, libraries: Libraries) -> bool:
    return ONNX_NAMES[provider] in libraries.onnx_providers or (
        provider == "coreml" and libraries.coremltools
    )


def _coreml_backends(libraries: Libraries) -> list[Backend]:
    """Float32 programs run on CPU and GPU only, so there the Neural Engine is not tried."""
    every: tuple[ComputeUnits, ...] = ("CPU_AND_NE", "CPU_AND_GPU", "ALL")
    found: list[Backend] = []
    if libraries.coremltools:
        found += [Backend("coreml", "coreml", "coremltools", units) for units in every]
    if ONNX_NAMES["coreml"] in libraries.onnx_providers:
        found += [Backend("coreml", "fp16", "onnxruntime", units) for units in every]
        found.append(Backend("coreml", "fp32", "onnxruntime", "CPU_AND_GPU"))
    return found


def permitted_kinds(precision: PrecisionChoice) -> tuple[ModelKind, ...]:
    """The kinds of model files whose numbers are of a precision; any: of floats."""
    kinds: Iterable[ModelKind] = PRECISIONS
    if precision == "any":
        return tuple(kind for kind in kinds if PRECISIONS[kind] != "int8")
    return tuple(kind for kind in kinds if PRECISIONS[kind] == precision)


def run_by(installed: InstalledModel, backend: Backend) -> Backend:
    """What runs a network: in float32 where its record has not the backend's kind, as its numbers
    would drift too far, or it would gain nothing; on a Mac that is left to the CPU."""
    if backend.kind == "fp32" or installed.variant(backend.kind) is not None:
        return backend
    return CPU if backend.provider == "coreml" else Backend(backend.provider)


def as_run(installed: InstalledModel, backend: Backend) -> InstalledModel:
    """What a record says of a network, with those of its kinds alone that a backend runs."""
    batches = {1, backend.star_batch} if installed.name == "star98" else {1}
    run = (one for one in installed.variants if one.kind == backend.kind and one.batch in batches)
    return replace(installed, variants=tuple(run))


def files_run(models: Iterable[InstalledModel]) -> dict[str, str]:
    """The files that were run, with their checksums. models: each as `as_run` gives it."""
    found: dict[str, str] = {}
    for model in models:
        if not any(one.batch == 1 for one in model.variants):
            found[model.file] = model.sha256
        found |= {one.file: one.sha256 for one in model.variants}
    return found
