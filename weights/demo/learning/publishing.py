"""Writes a trained demo network as the ONNX model it imitates, marked as a demo."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import nn

from weights.conversion import refuse_disagreement
from weights.export import differences, export
from weights.manifest import MODELS, InstalledModel, read_record, write_record
from weights.model_files import note_origin
from weights.recipes import RECIPES

SOURCE = "weights/demo/train.py"
CONVERTER = "demo"  # not the package's version: the files change only when the networks do
LARGE = 100_000
"""A layer of more numbers is stored in half precision, since the files are part of the project."""


def publish(name: str, network: nn.Module, out: Path) -> InstalledModel:
    """Write one model into a folder and list it in the folder's weights.json.

    name: in weights.manifest.MODELS. Rounds the network's large layers to what is stored of them.
    Raises WeightsError where ONNX Runtime disagrees with torch.
    """
    recipe = RECIPES[name]
    inputs = recipe.examples()
    parameters = _checksum(network)
    _round_large_layers(network)
    graph = export(network.eval(), inputs[0], recipe.input_name, recipe.output_names)
    _halve_large_layers(graph)
    refuse_disagreement(name, differences(network, graph, inputs))
    note_origin(graph, _notes(name, parameters))
    content = graph.SerializeToString(deterministic=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / MODELS[name].file).write_bytes(content)
    installed = InstalledModel(
        name=name,
        file=MODELS[name].file,
        sha256=hashlib.sha256(content).hexdigest(),
        source_file=SOURCE,
        source_sha256=parameters,
        official=False,
        converter=CONVERTER,
        demo=True,
    )
    write_record(out, read_record(out).having(installed))
    return installed


def _round_large_layers(network: nn.Module) -> None:
    with torch.no_grad():
        for numbers in network.parameters():
            if numbers.numel() > LARGE:
                numbers.copy_(numbers.half().float())


def _halve_large_layers(graph: ModelProto) -> None:
    """Store the float32 constants of large layers as float16, made float32 again by the graph."""
    for constant in graph.graph.initializer:
        if constant.data_type != TensorProto.FLOAT or np.prod(constant.dims) <= LARGE:
            continue
        used_as, stored_as = constant.name, f"{constant.name}_half"
        numbers = numpy_helper.to_array(constant).astype(np.float16)
        constant.CopyFrom(numpy_helper.from_array(numbers, stored_as))
        cast = helper.make_node("Cast", [stored_as], [used_as], used_as, to=TensorProto.FLOAT)
        graph.graph.node.insert(0, cast)


def _checksum(network: nn.Module) -> str:
    """SHA-256 of all trained numbers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _notes(name: str, parameters: str) -> dict[str, str]:
    """The same notes as the real models carry."""
    return {
        "model": name,
        "source_file": SOURCE,
        "source_sha256": parameters,
        "official": "false",
        "demo": "true",
        "converter": CONVERTER,
    }
