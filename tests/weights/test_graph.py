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


def test_batch_norms_become_convolutions_of_one_channel_each_and_inputs_explicit():
    mended = mend(small_model())
    assert [node.op_type for node in mended.graph.node] == ["Conv", "Resize"]
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


def list_model():
    """Batch norm of lists of numbers instead of pictures."""
    model = small_model()
    del model.graph.node[1]
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        shape = value.type.tensor_type.shape.dim
        shape[2].dim_value = 15
        del shape[3:]
    model.graph.output[0].name = "normed"
    del model.graph.value_info[:]
    return model


def test_batch_norms_of_lists_become_multiply_and_add():
    x = np.random.default_rng(5).normal(size=(1, 4, 15)).astype(np.float32)
    expected = answer(list_model(), x)
    mended = mend(list_model())
    assert [node.op_type for node in mended.graph.node] == ["Mul", "Add"]
    np.testing.assert_allclose(answer(mended, x), expected, rtol=0, atol=1e-6)


def test_batch_norms_between_convolutions_leave_numbers_in_these_layout(tmp_path):
    """What ONNX Runtime makes of two convolutions with a batch norm and a ReLU between them."""
    random = np.random.default_rng(6)
    weights = random.normal(size=(32, 32, 3, 3)).astype(np.float32)
    constants = [numpy_helper.from_array(weights, "weights")]
    constants += [
        numpy_helper.from_array(random.uniform(0.5, 2, size=32).astype(np.float32), name)
        for name in ("gamma", "beta", "mean", "variance")
    ]
    padded = {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    nodes = [
        helper.make_node("MaxPool", ["x"], ["pooled"], kernel_shape=[1, 1]),
        helper.make_node("Conv", ["pooled", "weights"], ["a"], "first", **padded),
        helper.make_node("Add", ["a", "pooled"], ["sum"], "skip"),
        helper.make_node(
            "BatchNormalization", ["sum", "gamma", "beta", "mean", "variance"], ["normed"], "norm"
        ),
        helper.make_node("Relu", ["normed"], ["active"], "relu"),
        helper.make_node("Conv", ["active", "weights"], ["b"], "second", **padded),
        helper.make_node("Add", ["b", "sum"], ["y"], "skip_again"),
    ]
    for node in nodes:
        if node.op_type == "BatchNormalization":
            node.attribute.append(helper.make_attribute("epsilon", EPSILON))
    shape = [1, 32, 16, 16]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name in ("x", "y", "pooled", "a", "sum", "normed", "active", "b")
    ]
    graph = helper.make_graph(
        nodes, "between", values[:1], values[1:2], constants, value_info=values[2:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "as_run.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        mend(model).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    run = [node.op_type for node in onnx.load(tmp_path / "as_run.onnx").graph.node]
    if "ReorderInput" not in run:
        pytest.skip("this processor's convolutions have no layout of their own")
    assert (run.count("ReorderInput"), run.count("ReorderOutput")) == (1, 1)
