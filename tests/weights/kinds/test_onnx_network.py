"""PFLD's file as a torch network: the same answers as ONNX Runtime's."""

import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from tests.stand_ins.pfld import NAME, write_pfld  # noqa: E402
from weights.kinds.onnx_network import PFLD_INPUT, OnnxNetwork, pfld_recipe  # noqa: E402

DRAWN = np.random.default_rng(68)


def drawn(*shape):
    return DRAWN.normal(0, 0.5, shape).astype(np.float32)


def like_the_published_one():
    """Its operators in its opset: a batch that is left open, lengths found while it runs."""
    constants = {
        "weight": drawn(4, 3, 3, 3),
        "bias": drawn(4),
        "gamma": drawn(4),
        "beta": drawn(4),
        "mean": drawn(4),
        "variance": np.abs(drawn(4)) + 0.1,
        "depthwise": drawn(4, 1, 3, 3),
        "first": np.array(0),
        "rest": np.array([-1]),
        "last": drawn(10, 4 * 4 * 4 + 4 * 2 * 2),
        "shift": drawn(10),
    }
    strided = {"strides": [2, 2], "pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}
    pool = {"kernel_shape": [14, 14], "strides": [14, 14]}
    nodes = [
        helper.make_node("Conv", ["input", "weight", "bias"], ["a"], **strided),
        helper.make_node("BatchNormalization", ["a", "gamma", "beta", "mean", "variance"], ["b"]),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Conv", ["c", "depthwise"], ["d"], group=4, pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c", "d"], ["e"]),
        helper.make_node("Pad", ["e"], ["f"], pads=[0] * 8),
        helper.make_node("AveragePool", ["f"], ["g"], **pool),
        helper.make_node("AveragePool", ["e"], ["h"], kernel_shape=[28, 28], strides=[28, 28]),
    ]
    for name in "gh":
        nodes += [
            helper.make_node("Shape", [name], [f"{name}1"]),
            helper.make_node("Gather", [f"{name}1", "first"], [f"{name}2"], axis=0),
            helper.make_node("Unsqueeze", [f"{name}2"], [f"{name}3"], axes=[0]),
            helper.make_node("Concat", [f"{name}3", "rest"], [f"{name}4"], axis=0),
            helper.make_node("Reshape", [name, f"{name}4"], [f"{name}5"]),
        ]
    nodes += [
        helper.make_node("Concat", ["g5", "h5"], ["i"], axis=1),
        helper.make_node("Gemm", ["i", "last", "shift"], ["output"], transB=1),
    ]
    ends = [("input", ["batch_size", 3, 112, 112]), ("output", ["batch_size", 10])]
    given, wanted = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends
    )
    initial = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "like-pfld", [given], [wanted], initial)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=5)


def by_onnx_runtime(model, pixels):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"input": pixels})[0]


def stand_in(folder):
    write_pfld(folder)
    return onnx.load(folder / NAME)


@pytest.mark.parametrize("which", ["stand-in", "like the published one"])
def test_the_network_answers_as_onnx_runtime_does(tmp_path, which):
    model = stand_in(tmp_path) if which == "stand-in" else like_the_published_one()
    recipe = pfld_recipe(model)
    network = recipe.network().eval()
    for pixels in recipe.examples():
        assert tuple(pixels.shape) == PFLD_INPUT
        assert 0 <= pixels.min() < pixels.max() <= 1
        expected = by_onnx_runtime(model, pixels.numpy())
        with torch.no_grad():
            np.testing.assert_allclose(network(pixels).numpy(), expected, atol=2e-5)


def test_an_operator_that_is_not_known_is_named():
    node = helper.make_node("Erf", ["input"], ["output"])
    given, wanted = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3])
        for name in ("input", "output")
    )
    graph = helper.make_graph([node], "other", [given], [wanted])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    with pytest.raises(ValueError, match=r"operators that are not known: \['Erf'\]"):
        OnnxNetwork(model, (1, 3))
