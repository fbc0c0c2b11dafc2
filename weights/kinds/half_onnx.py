"""A float32 ONNX graph in float16, with float32 at its ends.

Own code: the converters at hand (onnxconverter-common, ONNX Runtime's) leave graphs unsorted. Here
there is one cast at each end, so that a Core ML provider takes the whole in one piece.
"""

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

SMALLEST = 2.0**-14
"""float16's smallest normal number: accelerators take smaller ones for 0."""

LARGEST = 65504.0
FLOAT32_INPUTS = {"Resize": 1}  # from which input on an operator asks for float32


class HalfError(Exception):
    """A graph has numbers that float16 cannot hold; the message says which."""


def halved(model: ModelProto) -> ModelProto:
    """A copy that calculates in float16; inputs and outputs keep names, shapes and float32.

    Raises HalfError where a constant is too large, or where a single number (something that is
    divided by or added, for example) is not 0 but would count as 0.
    """
    made = ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    kept = _float32_constants(graph)
    for constant in graph.initializer:
        if constant.data_type == TensorProto.FLOAT and constant.name not in kept:
            constant.CopyFrom(_halved_constant(constant))
    begins = [_cast_input(graph, item.name) for item in graph.input]
    ends = [_cast_output(graph, item.name) for item in graph.output]
    nodes = [*begins, *graph.node, *ends]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    onnx.checker.check_model(made, full_check=True)
    return made


def _float32_constants(graph: GraphProto) -> set[str]:
    return {
        name
        for node in graph.node
        if node.op_type in FLOAT32_INPUTS
        for name in node.input[FLOAT32_INPUTS[node.op_type] :]
    }


def _halved_constant(constant: TensorProto) -> TensorProto:
    numbers = numpy_helper.to_array(constant)
    if numbers.size and np.abs(numbers).max() > LARGEST:
        raise HalfError(f"{constant.name} holds {np.abs(numbers).max():g}, above {LARGEST:g}")
    if numbers.size == 1 and 0 < np.abs(numbers).max() < SMALLEST:
        raise HalfError(f"{constant.name} is {numbers.max():g}, which would count as 0")
    return numpy_helper.from_array(numbers.astype(np.float16), constant.name)


def _cast_input(graph: GraphProto, name: str) -> NodeProto:
    inside = f"{name}_half"
    for node in graph.node:
        _rename(node.input, name, inside)
    return helper.make_node("Cast", [name], [inside], inside, to=TensorProto.FLOAT16)


def _cast_output(graph: GraphProto, name: str) -> NodeProto:
    inside = f"{name}_half"
    for node in graph.node:
        _rename(node.input, name, inside)
        _rename(node.output, name, inside)
    return helper.make_node("Cast", [inside], [name], f"{name}_float", to=TensorProto.FLOAT)


def _rename(names: "list[str]", old: str, new: str) -> None:
    for place, name in enumerate(names):
        if name == old:
            names[place] = new
