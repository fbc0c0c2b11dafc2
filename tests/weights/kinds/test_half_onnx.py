"""A float32 graph becomes a float16 one with float32 ends, or is refused."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from weights.kinds.half_onnx import HalfError, halved

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def small_graph(divisor=0.5, largest=2.0):
    """Doubles a picture, enlarges it, divides it; all of it is an output, too."""
    constants = {
        "factor": np.array([largest, 1.0, 1e-6], np.float32).reshape(1, 3, 1, 1),
        "region": np.zeros(8, np.float32),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "divisor": np.float32(divisor),
    }
    nodes = [
        helper.make_node("Mul", ["image", "factor"], ["scaled"]),
        helper.make_node("Resize", ["scaled", "region", "scales"], ["large"], mode="nearest"),
        helper.make_node("Div", ["large", "divisor"], ["divided"]),
        helper.make_node("Relu", ["divided"], ["positive"]),
    ]
    ends = [("image", [1, 3, 4, 4]), ("divided", [1, 3, 8, 8]), ("positive", [1, 3, 8, 8])]
    given, *wanted = (helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in ends)
    initial = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "small", [given], wanted, initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_ends_keep_names_and_float32_and_all_between_is_float16():
    model = onnx.shape_inference.infer_shapes(halved(small_graph()), strict_mode=True)
    ends = [*model.graph.input, *model.graph.output]
    assert {end.name: end.type.tensor_type.elem_type for end in ends} == {
        "image": FLOAT,
        "divided": FLOAT,
        "positive": FLOAT,
    }
    assert {item.type.tensor_type.elem_type for item in model.graph.value_info} == {HALF}
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ["Cast", "Mul", "Resize", "Div", "Relu", "Cast", "Cast"]
    types = {item.name: item.data_type for item in model.graph.initializer}
    assert types == {"factor": HALF, "region": FLOAT, "scales": FLOAT, "divisor": HALF}


def test_the_answers_are_the_same_within_float16():
    image = np.random.default_rng(0).normal(0, 1, (1, 3, 4, 4)).astype(np.float32)
    model = small_graph()
    answers = [
        onnxruntime.InferenceSession(
            made.SerializeToString(), providers=["CPUExecutionProvider"]
        ).run(None, {"image": image})
        for made in (model, halved(model))
    ]
    for reference, half in zip(*answers, strict=True):
        assert half.dtype == np.float32
        np.testing.assert_allclose(half, reference, rtol=2e-3, atol=1e-6)
        assert not np.array_equal(half, reference)


def test_the_graph_that_is_given_stays_as_it_is():
    model = small_graph()
    before = model.SerializeToString(deterministic=True)
    halved(model)
    assert model.SerializeToString(deterministic=True) == before


def test_a_divisor_that_would_count_as_0_is_refused():
    with pytest.raises(HalfError, match="divisor is 1e-06, which would count as 0"):
        halved(small_graph(divisor=1e-6))
    assert halved(small_graph(divisor=2.0**-14))


def test_a_number_that_is_too_large_is_refused():
    with pytest.raises(HalfError, match="factor holds 70000, above 65504"):
        halved(small_graph(largest=-70_000.0))
