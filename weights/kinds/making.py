"""Makes the other kinds of a model, and offers those whose numbers did not drift too far."""

import importlib.util
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto
from torch import Tensor, nn

from weights.export import export
from weights.kinds.drift import LIMITS, Answer, Drift, drift
from weights.kinds.half_onnx import HalfError, halved
from weights.kinds.half_precision import rounded_answer, with_plain_norms
from weights.kinds.inputs import plain_inputs, trial_inputs
from weights.manifest import ModelKind, ModelVariant, sha256_of, variant_file
from weights.model_files import note_origin, versions_of, write_whole
from weights.recipes import Recipe

BATCHES: Mapping[str, tuple[int, ...]] = {"star98": (4,)}
"""Models that also come for several pictures at once, for accelerators."""

Say = Callable[[str], None]
Runner = Callable[[Tensor], Sequence[np.ndarray]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What kinds are made of: a network in float32 and evaluation mode, how it is called, what is
    known of its origin, and its ONNX graph where there is one with fixed shapes."""

    name: str
    network: nn.Module
    recipe: Recipe
    notes: Mapping[str, str]
    graph: ModelProto | None = None


def core_ml_can_be_made() -> bool:
    """Whether coremltools, of the extra `coreml`, is there."""
    return importlib.util.find_spec("coremltools") is not None


def make_kinds(subject: Subject, out: Path, say: Say) -> tuple[ModelVariant, ...]:
    """Writes all kinds of a model but the model itself into a folder; () where it has none.

    One that drifts too far, or whose answers are no numbers for a black or a white picture, is
    taken away and said aloud.
    """
    if subject.name not in LIMITS:
        return ()
    maker = _Maker(subject, out, say)
    made = [*maker.kinds(1)]
    for batch in BATCHES.get(subject.name, ()):
        made += maker.kinds(batch)
    return tuple(made)


class _Maker:
    """Knows the inputs of a model's trial, and torch's answers in float32 to each alone."""

    def __init__(self, subject: Subject, out: Path, say: Say) -> None:
        self.subject, self.out, self.say = subject, out, say
        self.network = with_plain_norms(subject.network)
        self.inputs = trial_inputs(subject.name, subject.recipe)
        self.plain = plain_inputs(subject.recipe)
        with torch.inference_mode():
            self.expected = [arrays(subject.network(given)) for given in self.inputs]
        self.rounded = self._drift(lambda given: arrays(rounded_answer(self.network, given)), 1)

    def kinds(self, batch: int) -> list[ModelVariant]:
        """All kinds for so many times the model's pictures that can be made here."""
        recipe = self.subject.recipe
        example = torch.cat([self.inputs[0]] * batch)
        graph = self.subject.graph if batch == 1 else None
        if graph is None:
            network = self.subject.network
            graph = export(network, example, recipe.input_name, recipe.output_names)
        made = [self._float32(graph, batch)] if batch > 1 else []
        made.append(self._float16(graph, batch))
        if core_ml_can_be_made():
            made.append(self._core_ml(example, batch))
        return [kind for kind in made if kind is not None]

    def _float32(self, graph: ModelProto, batch: int) -> ModelVariant | None:
        return self._onnx("fp32", graph, self._drift(_runner(graph), batch), batch)

    def _float16(self, graph: ModelProto, batch: int) -> ModelVariant | None:
        try:
            half = halved(graph)
        except HalfError as error:
            self._refuse("fp16", batch, str(error))
            return None
        found = self._drift(_runner(half), batch).worse(self.rounded)
        return self._onnx("fp16", half, found, batch)

    def _onnx(
        self, kind: ModelKind, graph: ModelProto, found: Drift, batch: int
    ) -> ModelVariant | None:
        if not self._small_enough(kind, found, batch):
            return None
        path, made_by = self._path(kind, batch), versions_of("torch", "onnx")
        noted = ModelProto()
        noted.CopyFrom(graph)
        note_origin(noted, self._notes(kind, found, batch, made_by))
        write_whole(path, noted.SerializeToString(deterministic=True))
        return self._variant(kind, found, batch, made_by)

    def _core_ml(self, example: Tensor, batch: int) -> ModelVariant | None:
        from weights.kinds.core_ml import note_in_package, write_package
        from weights.kinds.core_ml_program import Program

        recipe, path = self.subject.recipe, self._path("coreml", batch)
        write_package(self.network, example, recipe.input_name, recipe.output_names, path)
        program = Program(path)
        found = self._drift(lambda given: program.run(**{recipe.input_name: given.numpy()}), batch)
        if not self._small_enough("coreml", found, batch):
            return None
        made_by = versions_of("torch", "coremltools")
        note_in_package(path, self._notes("coreml", found, batch, made_by))
        return self._variant("coreml", found, batch, made_by)

    def _drift(self, run: Runner, batch: int) -> Drift:
        found = drift(self.subject.name, self.expected, _answers(run, self.inputs, batch))
        plain = _answers(run, self.plain, batch)
        finite = all(np.isfinite(numbers).all() for answer in plain for numbers in answer)
        return found if finite else found.without_numbers()

    def _small_enough(self, kind: ModelKind, found: Drift, batch: int) -> bool:
        limits = LIMITS[self.subject.name]
        if found.within(limits):
            return True
        bound = " and ".join(f"{limit:g} {unit}" for unit, limit in limits.items())
        self._refuse(kind, batch, f"it drifts by {found}, more than {bound}")
        return False

    def _refuse(self, kind: ModelKind, batch: int, why: str) -> None:
        path = self._path(kind, batch)
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        self.say(f"{path.name}: not offered, {why}")

    def _variant(self, kind: ModelKind, found: Drift, batch: int, made_by: str) -> ModelVariant:
        path = self._path(kind, batch)
        self.say(f"{path.name}: drifts by {found}")
        unit = next(iter(LIMITS[self.subject.name]))
        return ModelVariant(
            kind=kind,
            file=path.name,
            sha256=sha256_of(path),
            batch=batch,
            drift=round(found.typical[unit], 6),
            unit=unit,
            converter=made_by,
        )

    def _notes(self, kind: ModelKind, found: Drift, batch: int, made_by: str) -> dict[str, str]:
        return {
            **self.subject.notes,
            "converter": made_by,
            "precision": "float32" if kind == "fp32" else "float16",
            "batch": str(batch),
            "drift": str(found),
        }

    def _path(self, kind: ModelKind, batch: int) -> Path:
        return self.out / variant_file(self.subject.name, kind, batch)


def arrays(answer: Tensor | Sequence[Tensor]) -> list[np.ndarray]:
    """A network's outputs as arrays."""
    outputs = (answer,) if isinstance(answer, Tensor) else answer
    return [output.numpy() for output in outputs]


def _runner(graph: ModelProto) -> Runner:
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (given,) = session.get_inputs()
    return lambda pixels: session.run(None, {given.name: pixels.numpy()})


def _answers(run: Runner, inputs: Sequence[Tensor], batch: int) -> list[Answer]:
    """One for each input, `batch` of which go in at once; the last ones are repeated to fill up."""
    answers: list[Answer] = []
    for first in range(0, len(inputs), batch):
        together = [inputs[min(first + at, len(inputs) - 1)] for at in range(batch)]
        outputs = [np.split(output, batch) for output in run(torch.cat(together))]
        answers += [list(row) for row in zip(*outputs, strict=True)]
    return answers[: len(inputs)]
