"""Writes a trained demo network as the ONNX model it imitates, marked as a demo."""

import hashlib
from pathlib import Path

from onnx import ModelProto
from torch import nn

from weights.conversion import CACHE_KEY, refuse_disagreement
from weights.export import differences, export
from weights.manifest import MODELS, InstalledModel, read_record, write_record
from weights.recipes import RECIPES

SOURCE = "weights/demo/train.py"
CONVERTER = "demo"  # not the package's version: the files change only when the networks do


def publish(name: str, network: nn.Module, out: Path) -> InstalledModel:
    """Write one model into a folder and list it in the folder's weights.json.

    name: in weights.manifest.MODELS. Raises WeightsError where ONNX Runtime disagrees with torch.
    """
    recipe = RECIPES[name]
    inputs = recipe.examples()
    graph = export(network.eval(), inputs[0], recipe.input_name, recipe.output_names)
    refuse_disagreement(name, differences(network, graph, inputs))
    parameters = _checksum(network)
    _note_origin(graph, name, parameters)
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


def _checksum(network: nn.Module) -> str:
    """SHA-256 of all trained numbers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _note_origin(graph: ModelProto, name: str, parameters: str) -> None:
    """The same notes as the real models carry, and a cache key that changes with the model."""
    content = graph.SerializeToString(deterministic=True)
    notes = {
        "model": name,
        "source_file": SOURCE,
        "source_sha256": parameters,
        "official": "false",
        "demo": "true",
        "converter": CONVERTER,
        CACHE_KEY: hashlib.sha256(content).hexdigest()[:40],
    }
    for key, value in notes.items():
        graph.metadata_props.add(key=key, value=value)
