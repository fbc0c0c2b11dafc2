"""A quantized model: integers up to its last convolutions, and float32 from there on."""

import numpy as np
import onnx
import onnxruntime
import pytest

from weights.manifest import DEMO_FOLDER
from weights.quantization import nodes_of_the_end, note, quantize

STAR = DEMO_FOLDER / "star98.onnx"
SHAPE = (1, 3, 256, 256)


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, SHAPE).astype(np.float32)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The demo's STAR, calibrated with noise."""
    path = tmp_path_factory.mktemp("quantized") / "star98_int8.onnx"
    quantize(STAR, [picture(seed) for seed in range(3)], path)
    return path


def test_the_end_is_what_no_convolution_comes_after():
    nodes = onnx.load(STAR).graph.node
    end = nodes_of_the_end(nodes)
    convolutions = [node.name for node in nodes if node.op_type == "Conv"]
    last = [name for name in convolutions if name in end]
    assert 1 <= len(last) < len(convolutions) / 2
    assert nodes[-1].name in end
    first = next(node.name for node in nodes if node.name in end)
    assert first in last  # nothing before the last convolutions


def test_weights_lie_in_integers_of_seven_bits_and_the_end_computes_in_floats(made):
    graph = onnx.load(made).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    kernels = [values for values in stored.values() if values.ndim == 4 and values.dtype == np.int8]
    assert len(kernels) > 5
    assert max(int(np.abs(values.astype(int)).max()) for values in kernels) <= 64
    end = set(nodes_of_the_end(onnx.load(STAR).graph.node))
    dequantized = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    for node in graph.node:
        if node.name in end and node.op_type == "Conv":
            assert node.input[1] not in dequantized
    assert sum(node.op_type == "QuantizeLinear" for node in graph.node) > 5


def test_it_answers_like_the_float32_model_at_a_fraction_of_its_size(made):
    sessions = [
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for path in (STAR, made)
    ]
    there, here = (one.run(["points", "confidence"], {"image": picture(9)}) for one in sessions)
    assert here[0].shape == there[0].shape
    apart = np.linalg.norm(here[0] - there[0], axis=-1) * 128
    assert 0 < apart.mean() < 10  # noise shows no face: heat maps are flat, and points hang loose
    assert made.stat().st_size < 0.4 * STAR.stat().st_size


def test_the_same_pictures_give_the_same_file(made, tmp_path):
    again = tmp_path / made.name
    quantize(STAR, [picture(seed) for seed in range(3)], again)
    assert again.read_bytes() == made.read_bytes()


def test_notes_stand_beside_where_the_model_comes_from(made, tmp_path):
    noted = tmp_path / "noted.onnx"
    noted.write_bytes(made.read_bytes())
    note(noted, {"precision": "int8", "drift": "0.07 px"})
    known = {one.key: one.value for one in onnx.load(noted).metadata_props}
    origin = {one.key: one.value for one in onnx.load(STAR).metadata_props}
    assert known["precision"] == "int8"
    assert known["drift"] == "0.07 px"
    assert known["source_sha256"] == origin["source_sha256"]
    assert "COREML_CACHE_KEY" not in known  # it says which file Core ML has compiled: another one
