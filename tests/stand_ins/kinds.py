"""Other kinds of models that need no conversion: the float32 file under the name of float16's.

What they compute in is told by the record alone; a wrong one answers what it should not.
"""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from weights.manifest import (
    InstalledModel,
    ModelVariant,
    WeightsRecord,
    read_record,
    sha256_of,
    variant_file,
    write_record,
)

NETWORKS = ("retinaface_frame", "retinaface_face", "star98", "pfld68", "mtl_aus")


def write_kinds(
    given: Path, folder: Path, points_off: float = 0.0, without: tuple[str, ...] = ()
) -> Path:
    """A copy of a weights folder with a float16 kind of every network, or without it of some.

    points_off: how far STAR's points are from the float32 ones, in px of its crop.
    """
    shutil.copytree(given, folder)
    record = read_record(folder)
    models = [
        with_kind(folder, model, points_off if model.name == "star98" else 0.0)
        for model in record.models.values()
        if model.name in NETWORKS and model.name not in without
    ]
    write_record(folder, WeightsRecord(record.models).having(*models))
    return folder


def with_kind(folder: Path, model: InstalledModel, points_off: float) -> InstalledModel:
    """Its record with a float16 kind, whose file lies beside it."""
    network = onnx.load(folder / model.file)
    network.doc_string = "a stand-in for float16"
    if points_off:
        move_points(network.graph, points_off)
    file = variant_file(model.name, "fp16")
    onnx.save(network, folder / file)
    kind = ModelVariant("fp16", file, sha256_of(folder / file), 1, 0.0, "px", "stand-in")
    return replace(model, variants=(kind,))


def move_points(graph: onnx.GraphProto, px: float) -> None:
    """Add some px of the 256 px crop to the output `points`, which is in units of its half."""
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name == "points":
                node.output[place] = "points_before"
    moved = onnx.numpy_helper.from_array(np.array(px / 128, np.float32), "points_moved_by")
    graph.initializer.append(moved)
    inputs = ["points_before", "points_moved_by"]
    graph.node.append(onnx.helper.make_node("Add", inputs, ["points"]))
