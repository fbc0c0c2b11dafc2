"""Mended graphs compute the same, in operators that the Core ML provider takes."""

import numpy as np
import onnxruntime
import pytest

onnx = pytest.importorskip("onnx", reason="needs torch: make test EXTRAS=dev,convert")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from weights.graph import mend  # noqa: E402

EPSILON = 1e-3


def small_model():
    """Batch norm, then nearest enlargement by sizes with absent inputs, and an unused constant."""
    random = np.random.default_rng(3)
    statistics = {
        "gamma": random.normal(size=4),
        "beta": random.normal(size=4),
        "mean": random.normal(size=4),
        "variance": random.uniform(0.5, 2, size=4),
        "unused": random.normal(size=4),
    }
    constants = [
        numpy_helper.from_array(values.astype(np.float32), name)
        for name, values in statistics.items()
    ]
    constants.append(numpy_helper.from_array(np.int64([1, 4, 6, 10]), "sizes"))
    normalise = helper.make_node(
        "BatchNormalization",
        ["x", "gamma", "beta", "mean", "variance"],
        ["normed"],
        "normalise",
        epsilon=EPSILON,
    )
    enlarge = helper.make_node(
        "Resize",
        ["normed", "", "", "sizes"],
        ["y"],
        "enlarge",
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    enlarge.doc_string = "made in /home/somebody"
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 4, 3, 5]), ("y", [1, 4, 6, 10]), ("normed", [1, 4, 3, 5]))
    ]
    graph = helper.make_graph(
        [normalise, enlarge], "small", values[:1], values[1:2], constants, value_info=values[2:]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def answer(model, x):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"x": x})[0]


def test_a_mended_graph_gives_the_same_answer():
    x = np.random.default_rng(4).normal(size=(1, 4, 3, 5)).astype(np.float32)
    expected = answer(small_model(), x)
    np.testing.assert_allclose(answer(mend(small_model()), x), expected, rtol=0, atol=1e-6)


def test_batch_norms_become_multiply_and_add_and_inputs_explicit():
    mended = mend(small_model())
    assert [node.op_type for node in mended.graph.node] == ["Mul", "Add", "Resize"]
    assert all(name for node in mended.graph.node for name in node.input)


def test_unused_constants_and_notes_about_the_machine_are_gone():
    mended = mend(small_model())
    assert not {"unused", "gamma", "sizes"} & {item.name for item in mended.graph.initializer}
    assert b"/home/somebody" not in mended.SerializeToString()


def test_a_broken_graph_is_refused():
    model = small_model()
    model.graph.node[1].input[0] = "nowhere"
    model.graph.value_info.append(
        helper.make_tensor_value_info("nowhere", TensorProto.FLOAT, [1, 4, 3, 5])
    )
    with pytest.raises(onnx.checker.ValidationError):
        mend(model)
