"""STAR in 8-bit integers, by ONNX Runtime's static quantization, for machines with a CPU alone.

What leads up to the last convolutions is quantized: weights by channel, the numbers between the
layers by what they reach on the pictures given. From the last convolutions on, where heat maps
become points, all stays float32: rounded there, the demo's points move twenty times as far. Weights
get 7 bits, so that sums fit the 16 bits of processors without VNNI, and all processors agree.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

CONVOLUTION = "Conv"
QUANTIZED_OPERATORS = ("Conv", "Add", "Mul", "Relu", "MaxPool", "Resize", "Concat")

ORIGIN = ("model", "source_file", "source_sha256", "official", "demo")
"""What `weights.conversion` writes into a model's metadata, and holds for its other kinds."""

Input = NDArray[np.float32]


class _Inputs(CalibrationDataReader):  # type: ignore[misc]
    """Hands a model's inputs out, one after the other."""

    def __init__(self, name: str, inputs: Sequence[Input]) -> None:
        self._left: Iterator[dict[str, Input]] = ({name: one} for one in inputs)

    def get_next(self) -> dict[str, Input] | None:
        """See CalibrationDataReader."""
        return next(self._left, None)


def quantize(model: Path, inputs: Sequence[Input], made: Path) -> None:
    """Write a quantized copy of a model (QDQ).

    model: float32 ONNX of one input; inputs: what it sees in use, each of the input's shape; made:
    the file to write.
    """
    with tempfile.TemporaryDirectory(prefix="facemirror-quantize-") as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(prepared).graph
        quantize_static(
            str(prepared),
            str(made),
            _Inputs(graph.input[0].name, inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED_OPERATORS),
            nodes_to_exclude=nodes_of_the_end(graph.node),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def nodes_of_the_end(nodes: Sequence[NodeProto]) -> list[str]:
    """The names of the last convolutions, and of all that no convolution comes after.

    nodes: of a graph, sorted, as ONNX wants them.
    """
    used_by: dict[str, list[NodeProto]] = {}
    for node in nodes:
        for name in node.input:
            used_by.setdefault(name, []).append(node)
    before: set[str] = set()  # a convolution
    for node in reversed(nodes):
        after = [user for name in node.output for user in used_by.get(name, [])]
        if any(user.op_type == CONVOLUTION or user.name in before for user in after):
            before.add(node.name)
    return [node.name for node in nodes if node.name not in before]


def note(file: Path, notes: Mapping[str, str]) -> None:
    """Add notes to a model's metadata, beside what its float32 file said of its origin."""
    model: ModelProto = onnx.load(file)
    origin = {one.key: one.value for one in model.metadata_props if one.key in ORIGIN}
    del model.metadata_props[:]
    for key, value in sorted((origin | dict(notes)).items()):
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, file)


def converter() -> str:
    """What a record says made the file."""
    return ", ".join(f"{name} {version(name)}" for name in ("facemirror", "onnxruntime", "onnx"))
