"""The kinds that `weights convert` makes of every model: what Core ML wants to take, and drift."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

WHY = "needs torch: make test EXTRAS=dev,convert"
torch = pytest.importorskip("torch", reason=WHY)
pytest.importorskip("onnxscript", reason=WHY)

from onnxruntime.tools.mobile_helpers import usability_checker  # noqa: E402

from weights.kinds.drift import LIMITS  # noqa: E402
from weights.manifest import read_record, verify_variant  # noqa: E402
from weights.recipes import RECIPES  # noqa: E402

NAMES = sorted(LIMITS)
CASTS = {"retinaface_frame": 3, "retinaface_face": 3, "star98": 3, "mtl_aus": 2, "pfld68": 2}
"""One at each end."""

OPERATORS = {
    *("add", "avg_pool", "batch_norm", "cast", "clip", "concat", "conv", "expand_dims"),
    *("instance_norm", "leaky_relu", "linear", "max_pool", "maximum", "mul", "pad", "real_div"),
    *("reduce_max", "reduce_mean", "reduce_sum", "relu", "reshape", "sigmoid", "silu"),
    *("slice_by_index", "softmax", "sqrt", "stack", "sub", "transpose"),
    "upsample_nearest_neighbor",
}
"""What the programs may consist of: no sorting, no looking up, no control flow."""

BEFORE_CONVOLUTIONS = OPERATORS - {"softmax", "transpose", "stack", "sqrt", "linear", "reduce_max"}


def picture(name, value):
    recipe = RECIPES.get(name)
    if recipe is None:
        return np.full((2, 3, 112, 112), value / 255, np.float32)
    return recipe.prepare(torch.full(recipe.input_shape, float(value))).numpy()


@pytest.mark.parametrize("name", NAMES)
def test_core_ml_takes_each_float16_model_in_one_piece(weights_folder, name):
    listing = Path(usability_checker.__file__).with_name("coreml_supported_mlprogram_ops.md")
    path = verify_variant(weights_folder, name, "fp16")
    model = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True)
    pieces = usability_checker.check_partitioning(
        model.graph, usability_checker._SupportedOpsChecker(listing), True, max_rank=5
    )
    assert pieces.num_partitions == 1
    assert pieces.num_supported_nodes == pieces.num_nodes == len(model.graph.node)
    inside = [node for node in model.graph.node if node.op_type != "Cast"]
    assert len(model.graph.node) - len(inside) == CASTS[name]
    types = {item.name: item.type.tensor_type.elem_type for item in model.graph.value_info}
    assert {types[out] for node in inside for out in node.output} == {onnx.TensorProto.FLOAT16}


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_is_recorded_with_its_drift_and_notes(weights_folder, name):
    installed = read_record(weights_folder).models[name]
    kinds = [(one.kind, one.batch) for one in installed.variants]
    assert ("fp16", 1) in kinds
    assert len(set(kinds)) == len(kinds)
    for one in installed.variants:
        unit, limit = next(iter(LIMITS[name].items()))
        assert (one.unit, 0 < one.drift <= limit) == (unit, True)
        assert "torch 2." in one.converter
    path = verify_variant(weights_folder, name, "fp16")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    notes = session.get_modelmeta().custom_metadata_map
    assert notes["model"] == name
    assert notes["source_sha256"] == installed.source_sha256
    assert notes["precision"] == "float16"
    assert notes["drift"].endswith("at most)")
    assert len(notes["COREML_CACHE_KEY"]) == 40
    plain = onnxruntime.InferenceSession(
        weights_folder / installed.file, providers=["CPUExecutionProvider"]
    )
    for value in (0, 255):
        given = {session.get_inputs()[0].name: picture(name, value)}
        for half, full in zip(session.run(None, given), plain.run(None, given), strict=True):
            assert np.isfinite(half).all()
            assert half.shape == full.shape


@pytest.mark.parametrize("name", NAMES)
def test_core_ml_programs_calculate_in_float16_with_operators_of_the_list(weights_folder, name):
    pytest.importorskip(
        "coremltools", reason="needs coremltools: make test EXTRAS=dev,convert,coreml"
    )
    from weights.kinds.core_ml_program import Program

    installed = read_record(weights_folder).models[name]
    program = Program(verify_variant(weights_folder, name, "coreml"))
    assert set(program.operators) <= OPERATORS
    assert program.fed_by("conv") <= BEFORE_CONVOLUTIONS
    made = program.precisions()
    assert program.operators.count("cast") == CASTS[name]
    assert made.pop("cast") == {"fp16", "fp32"}
    assert set().union(*made.values()) == {"fp16"}
    assert program.end_types == {"fp32"}
    assert program.notes["source_sha256"] == installed.source_sha256
    assert program.notes["precision"] == "float16"
    given = {next(iter(program.shapes)): picture(name, 0)}
    assert all(np.isfinite(answer).all() for answer in program.run(**given))
