"""Rewrites ONNX graphs so that the Core ML provider takes all of it, without changing results.

Checked with `python -m onnxruntime.tools.check_onnx_model_mobile_usability MODEL`: that checker
(and the provider of older releases) takes an absent optional input for an unknown shape.
"""

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

PICTURE_AXES = 4
"""Pictures, channels, rows, columns."""


def mend(model: ModelProto) -> ModelProto:
    """The same function in operators that Core ML runs, free of notes about the machine.

    Changes `model` itself and returns it; raises onnx.checker.ValidationError if it is broken.
    """
    mender = _Mender(model.graph)
    nodes = [mended for node in model.graph.node for mended in mender.mend(node)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _drop_unused_constants(model.graph)
    _drop_notes(model)
    onnx.checker.check_model(model, full_check=True)
    return model


class _Mender:
    """Knows a graph's constants and shapes, and adds the constants that mended nodes need."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self.constants = {constant.name: constant for constant in graph.initializer}
        self.shapes = {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in [*graph.value_info, *graph.input, *graph.output]
        }

    def mend(self, node: NodeProto) -> list[NodeProto]:
        if node.op_type == "Resize":
            return [self._with_explicit_inputs(node)]
        if node.op_type == "BatchNormalization":
            return self._normalise(node)
        return [node]

    def _with_explicit_inputs(self, node: NodeProto) -> NodeProto:
        """Resize with scales, and a region of interest, which nearest mode ignores."""
        before, after = self.shapes[node.input[0]], self.shapes[node.output[0]]
        scales = [large / small for large, small in zip(after, before, strict=True)]
        region = self._constant(node, "region", [0.0] * len(before) + [1.0] * len(before))
        mended = NodeProto()
        mended.CopyFrom(node)
        del mended.input[:]
        mended.input.extend([node.input[0], region, self._constant(node, "scales", scales)])
        return mended

    def _normalise(self, node: NodeProto) -> list[NodeProto]:
        """A batch norm with fixed statistics is x * factor + shift for each channel.

        Of pictures, that is a convolution of each channel with one number: ONNX Runtime's CPU
        provider then stays in the layout that convolutions want, where an addition would have it
        change to the usual one and back. That takes 5 % of STAR's time.
        """
        gamma, beta, mean, variance = (
            numpy_helper.to_array(self.constants[name]).astype(np.float64)
            for name in node.input[1:5]
        )
        epsilon = next(item.f for item in node.attribute if item.name == "epsilon")
        factor = gamma / np.sqrt(variance + epsilon)
        shift = beta - mean * factor
        axes = len(self.shapes[node.input[0]])
        if axes == PICTURE_AXES:
            factors = self._constant(node, "factor", factor.reshape(-1, 1, 1, 1))
            inputs = [node.input[0], factors, self._constant(node, "shift", shift)]
            name, channels = f"{node.name}_normalise", len(factor)
            return [helper.make_node("Conv", inputs, node.output, name, group=channels)]
        along = [1, -1] + [1] * (axes - 2)
        factors = self._constant(node, "factor", factor.reshape(along))
        shifts = self._constant(node, "shift", shift.reshape(along))
        scaled = f"{node.output[0]}_scaled"
        return [
            helper.make_node("Mul", [node.input[0], factors], [scaled], f"{node.name}_multiply"),
            helper.make_node("Add", [scaled, shifts], [node.output[0]], f"{node.name}_add"),
        ]

    def _constant(self, node: NodeProto, role: str, values: np.ndarray | list[float]) -> str:
        name = f"{node.output[0]}_{role}"
        tensor = numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)
        self.graph.initializer.append(tensor)
        return name


def _drop_unused_constants(graph: GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [constant for constant in graph.initializer if constant.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _drop_notes(model: ModelProto) -> None:
    """The exporter notes source lines and paths of this machine on every node."""
    graph = model.graph
    for item in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        item.ClearField("doc_string")
        item.ClearField("metadata_props")
    for constant in graph.initializer:
        constant.ClearField("doc_string")
        constant.ClearField("metadata_props")
