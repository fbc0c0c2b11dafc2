"""Converts the checkpoints of a folder into the models that workers run, in all their kinds.

A float32 ONNX model, the reference, is written only after torch and ONNX Runtime agree on it; what
other kinds there are and when they are offered says `weights.kinds`. Which checkpoint it came from
is noted in the model's metadata and in the folder's `weights.json`.
"""

import hashlib
import math
import os
import pickle
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from onnx import ModelProto, load_from_string
from torch import Tensor, nn

from weights.clnf.packing import PackedModels, missing_files, packed
from weights.export import differences, export
from weights.kinds.making import Subject, core_ml_can_be_made, make_kinds
from weights.kinds.onnx_network import pfld_recipe
from weights.manifest import (
    CHECKPOINTS,
    MODELS,
    Checkpoint,
    InstalledModel,
    Model,
    WeightsError,
    read_record,
    sha256_of,
    write_record,
)
from weights.model_files import converter_version, note_origin, write_whole
from weights.openface2 import TAG, Bundle, bundle
from weights.recipes import RECIPES

LARGEST_DIFFERENCE = 1e-3  # between torch and ONNX Runtime, in every output's own unit

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was converted, the checkpoints that were not there, OpenFace 2's AU models that were
    left out because no checksum is known of them, and the files that its landmark models lack."""

    installed: tuple[InstalledModel, ...]
    missing: tuple[Checkpoint, ...]
    left_out: tuple[str, ...] = ()
    landmark_files_missing: tuple[str, ...] = ()

    @property
    def unofficial(self) -> tuple[InstalledModel, ...]:
        return tuple(model for model in self.installed if not model.official)


@dataclass(frozen=True, slots=True)
class _Job:
    """What `convert` was asked for."""

    out: Path
    emotion_gaze: bool
    demo: bool
    say: Say


@dataclass(frozen=True, slots=True)
class _Source:
    """A checkpoint found on disk."""

    checkpoint: Checkpoint
    path: Path
    sha256: str

    @property
    def official(self) -> bool:
        return self.sha256 == self.checkpoint.sha256


def convert(
    checkpoints_dir: str | os.PathLike[str],
    out_dir: str | os.PathLike[str],
    *,
    emotion_gaze: bool = False,
    demo: bool = False,
    say: Say = lambda _: None,
) -> Conversion:
    """Converts every known checkpoint in `checkpoints_dir`; models go into `out_dir`.

    A checkpoint that is not the published one is converted and marked `official=False`, except the
    ready-made pfld_68.onnx, which is taken as published or not at all. OpenFace 2's files, below
    `openface2/`, are put into one file unchanged, its landmark models into another one as arrays.
    `demo` marks models that must never measure anybody. `say` gets one line for each step.

    Raises WeightsError when nothing is there to convert, when a checkpoint cannot be read or does
    not fit, or when ONNX Runtime disagrees with torch; models finished before that stay.
    """
    folder, job = Path(checkpoints_dir), _Job(Path(out_dir), emotion_gaze, demo, say)
    sources = [found for one in CHECKPOINTS.values() if (found := _find(folder, one))]
    openface2 = bundle(folder)
    if not sources and openface2 is None:
        names = ", ".join(checkpoint.file for checkpoint in CHECKPOINTS.values())
        raise WeightsError(
            f"{folder} holds none of {names}: "
            "type 'facemirror weights fetch --accept-license', or give --checkpoints DIR"
        )
    job.out.mkdir(parents=True, exist_ok=True)
    if sources and not core_ml_can_be_made():
        say("no .mlpackage is made: for Macs, type pip install 'facemirror[convert,coreml]'")
    installed: list[InstalledModel] = []
    for source in sources:
        for model in _convert_source(source, job):
            write_record(job.out, read_record(job.out).having(model))
            installed.append(model)
    if openface2 is not None:
        installed.append(_install_openface2(openface2, job))
        write_record(job.out, read_record(job.out).having(installed[-1]))
    lacking = missing_files(folder)
    if not lacking:
        installed.append(_install_landmark_models(packed(folder), job))
        write_record(job.out, read_record(job.out).having(installed[-1]))
    there = {source.checkpoint.name for source in sources}
    missing = (checkpoint for name, checkpoint in CHECKPOINTS.items() if name not in there)
    left_out = () if openface2 is None else openface2.left_out
    return Conversion(tuple(installed), tuple(missing), left_out, tuple(lacking))


def _find(folder: Path, checkpoint: Checkpoint) -> _Source | None:
    for file in checkpoint.files:
        path = folder / file
        if path.is_file():
            return _Source(checkpoint, path, sha256_of(path))
    return None


def _convert_source(source: _Source, job: _Job) -> Iterator[InstalledModel]:
    if source.checkpoint.name == "pfld68":
        yield _take_as_it_is(source, job)
        return
    state = _load(source)
    for model in MODELS.values():
        wanted = job.emotion_gaze or model.methods
        if model.checkpoint == source.checkpoint.name and wanted:
            yield _convert_model(model, state, source, job)


def _take_as_it_is(source: _Source, job: _Job) -> InstalledModel:
    if not source.official:
        raise WeightsError(
            f"{source.path} is not the published file (sha256 {source.sha256[:12]}..., expected "
            f"{source.checkpoint.sha256[:12]}...): replace it or take it away, then convert again"
        )
    model = MODELS["pfld68"]
    content = source.path.read_bytes()
    write_whole(job.out / model.file, content)
    job.say(f"{model.file}: copied, its checksum is the published one")
    recipe = pfld_recipe(load_from_string(content))
    subject = Subject(model.name, recipe.network().eval(), recipe, _notes(model, source, job))
    return _with_kinds(_installed(model, content, source, job), subject, job)


def _with_kinds(installed: InstalledModel, subject: Subject, job: _Job) -> InstalledModel:
    """With the kinds that are made here; what was quantized of the very same model stays."""
    before = read_record(job.out).models.get(installed.name)
    kept = before.variants if before and before.sha256 == installed.sha256 else ()
    quantized = tuple(one for one in kept if one.kind == "int8")
    return replace(installed, variants=make_kinds(subject, job.out, job.say) + quantized)


def _install_openface2(found: Bundle, job: _Job) -> InstalledModel:
    model = MODELS["openface2_aus"]
    write_whole(job.out / model.file, found.content)
    job.say(f"{model.file}: OpenFace 2's files, unchanged")
    checksum = hashlib.sha256(found.content).hexdigest()
    return _of_openface2(model, found.content, checksum, found.official, job)


def _install_landmark_models(found: PackedModels, job: _Job) -> InstalledModel:
    model = MODELS["clnf68"]
    write_whole(job.out / model.file, found.content)
    what = "" if found.validated else ", without the validator: nothing says how sure they are"
    job.say(f"{model.file}: OpenFace 2's landmark models{what}")
    return _of_openface2(model, found.content, found.sources, found.official, job)


def _of_openface2(
    model: Model, content: bytes, sources: str, official: bool, job: _Job
) -> InstalledModel:
    return InstalledModel(
        name=model.name,
        file=model.file,
        sha256=hashlib.sha256(content).hexdigest(),
        source_file=TAG,
        source_sha256=sources,
        official=official,
        converter=converter_version(),
        demo=job.demo,
    )


def _convert_model(
    model: Model, state: Mapping[str, Tensor], source: _Source, job: _Job
) -> InstalledModel:
    recipe = RECIPES[model.name]
    network = recipe.network()
    _fill(network.checkpointed, state, source.path)
    inputs = recipe.examples()
    graph = export(network, inputs[0], recipe.input_name, recipe.output_names)
    difference = refuse_disagreement(model.name, differences(network, graph, inputs))
    notes = _notes(model, source, job)
    subject = Subject(model.name, network, recipe, notes, graph)
    noted = ModelProto()
    noted.CopyFrom(graph)
    note_origin(noted, notes)
    content = noted.SerializeToString(deterministic=True)
    write_whole(job.out / model.file, content)
    job.say(f"{model.file}: torch and ONNX Runtime agree within {difference:.1g}")
    return _with_kinds(_installed(model, content, source, job), subject, job)


def refuse_disagreement(name: str, found: Sequence[float]) -> float:
    """The typical (median) difference found; raises WeightsError unless it is small.

    The median, because both STAR and the graph head have hard thresholds: on one input out of
    several, rounding alone may tip a value over one. A wrong export is wrong on all of them.
    """
    typical = statistics.median(found)
    if not all(map(math.isfinite, found)) or typical > LARGEST_DIFFERENCE:
        raise WeightsError(
            f"{MODELS[name].file} was not written: ONNX Runtime's answers differ from torch's by "
            f"{typical:.3g} (at most {LARGEST_DIFFERENCE:g}); "
            "install the versions that facemirror[convert] asks for and convert again"
        )
    return typical


def _notes(model: Model, source: _Source, job: _Job) -> dict[str, str]:
    return {
        "model": model.name,
        "source_file": source.path.name,
        "source_sha256": source.sha256,
        "official": str(source.official).lower(),
        "demo": str(job.demo).lower(),
        "converter": converter_version(),
    }


def _load(source: _Source) -> Mapping[str, Tensor]:
    try:
        content: Any = torch.load(source.path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(
            f"{source.path} is not a torch checkpoint that can be loaded safely "
            f"({str(error).splitlines()[0]}): fetch it again"
        ) from error
    if source.checkpoint.name == "star98":
        content = content.get("net") if isinstance(content, dict) else None
    if not isinstance(content, Mapping):
        raise WeightsError(f"{source.path} holds no network's state: fetch it again")
    return content


def _fill(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Loads the state if every tensor of both is there and of the same shape."""
    expected = network.state_dict()
    missing = [key for key in expected if key not in state]
    surplus = [key for key in state if key not in expected]
    misshapen = [
        key for key in expected if key in state and state[key].shape != expected[key].shape
    ]
    faults = [
        f"{len(keys)} {what} (first: {keys[0]})"
        for keys, what in (
            (missing, "missing"),
            (surplus, "unknown"),
            (misshapen, "of other shape"),
        )
        if keys
    ]
    if faults:
        raise WeightsError(
            f"{path} does not fit the network, tensors {', '.join(faults)}: "
            "it is another model's checkpoint or a damaged one, fetch it again"
        )
    network.load_state_dict(state)


def _installed(model: Model, content: bytes, source: _Source, job: _Job) -> InstalledModel:
    return InstalledModel(
        name=model.name,
        file=model.file,
        sha256=hashlib.sha256(content).hexdigest(),
        source_file=source.path.name,
        source_sha256=source.sha256,
        official=source.official,
        converter=converter_version(),
        demo=job.demo,
    )
