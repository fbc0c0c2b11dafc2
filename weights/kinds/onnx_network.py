"""A torch network that does what an ONNX graph says: so PFLD's file comes in other kinds, too."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from onnx import ModelProto, NodeProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from weights.recipes import Exported, Recipe

Attributes = dict[str, Any]

PFLD_INPUT = (2, 3, 112, 112)
"""Workers show it each face and its reflection."""


def pfld_recipe(model: ModelProto) -> Recipe:
    """How the network in PFLD's file is called."""

    def network() -> Exported:
        built = OnnxNetwork(model, PFLD_INPUT)
        return Exported(built, built.forward)

    return Recipe(network, "input", ("output",), PFLD_INPUT, lambda pixels: pixels / 255)


class OnnxNetwork(nn.Module):
    """Takes the graph's one input and gives its one output; shapes are fixed beforehand.

    Raises ValueError where an operator is none of those that PFLD consists of.
    """

    def __init__(self, model: ModelProto, input_shape: Sequence[int]) -> None:
        super().__init__()
        graph = _with_shapes(model, input_shape).graph
        unknown = sorted({node.op_type for node in graph.node} - set(_OPERATORS))
        if unknown:
            raise ValueError(f"operators that are not known: {unknown}")
        self.steps: list[NodeProto] = list(graph.node)
        self.given, self.wanted = graph.input[0].name, graph.output[0].name
        self.fixed: dict[str, list[int]] = {}
        self.places: dict[str, str] = {}
        for at, constant in enumerate(graph.initializer):
            numbers = numpy_helper.to_array(constant)
            if numbers.dtype.kind != "f":
                self.fixed[constant.name] = numbers.tolist()
                continue
            self.places[constant.name] = f"constant_{at}"
            self.register_buffer(self.places[constant.name], torch.from_numpy(numbers.copy()))

    def forward(self, pixels: Tensor) -> Tensor:
        numbers: dict[str, Any] = {self.given: pixels, "": None} | self.fixed
        numbers |= {name: getattr(self, place) for name, place in self.places.items()}
        for step in self.steps:
            attributes = {one.name: helper.get_attribute_value(one) for one in step.attribute}
            given = [numbers[name] for name in step.input]
            numbers[step.output[0]] = _OPERATORS[step.op_type](given, attributes)
        answer: Tensor = numbers[self.wanted]
        return answer


def _with_shapes(model: ModelProto, input_shape: Sequence[int]) -> ModelProto:
    """The graph with all that follows from shapes and constants calculated, by ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    given = {constant.name for constant in model.graph.initializer}  # old files list them, too
    (pixels,) = (item for item in model.graph.input if item.name not in given)
    dimensions = pixels.type.tensor_type.shape.dim
    for dimension, length in zip(dimensions, input_shape, strict=True):
        if dimension.dim_param:
            options.add_free_dimension_override_by_name(dimension.dim_param, length)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return onnx.load(path)


def _conv(given: list[Any], attributes: Attributes) -> Tensor:
    x, weight, *bias = given
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    return F.conv2d(
        F.pad(x, [left, right, top, bottom]) if (top, left) != (bottom, right) else x,
        weight,
        bias[0] if bias else None,
        attributes.get("strides", [1, 1]),
        [top, left] if (top, left) == (bottom, right) else 0,
        attributes.get("dilations", [1, 1]),
        attributes.get("group", 1),
    )


def _average_pool(given: list[Any], attributes: Attributes) -> Tensor:
    if any(attributes.get("pads", [])) or attributes.get("ceil_mode", 0):
        raise ValueError("an average pool that is padded")
    kernel = attributes["kernel_shape"]
    return F.avg_pool2d(given[0], kernel, attributes.get("strides", [1, 1]))


def _gemm(given: list[Any], attributes: Attributes) -> Tensor:
    if attributes.get("transA", 0) or {attributes.get(n, 1.0) for n in ("alpha", "beta")} != {1.0}:
        raise ValueError("a matrix product that is scaled or transposed")
    x, weight, bias = given
    return F.linear(x, weight if attributes.get("transB", 0) else weight.T, bias)


def _reshape(given: list[Any], _: Attributes) -> Tensor:
    x: Tensor = given[0]
    return x.reshape([length or x.shape[axis] for axis, length in enumerate(given[1])])


_OPERATORS: dict[str, Callable[[list[Any], Attributes], Tensor]] = {
    "Add": lambda given, _: given[0] + given[1],
    "AveragePool": _average_pool,
    "Concat": lambda given, attributes: torch.cat(given, attributes["axis"]),
    "Conv": _conv,
    "Flatten": lambda given, attributes: given[0].flatten(attributes.get("axis", 1)),
    "Gemm": _gemm,
    "Relu": lambda given, _: F.relu(given[0]),
    "Reshape": _reshape,
}
