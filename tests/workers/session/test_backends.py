"""Which backends there are to try, what they are called, and which files they run."""

import re
from dataclasses import replace

import pytest

from weights.manifest import DEMO_FOLDER, ModelVariant, read_record
from workers.session.backends import (
    CPU,
    INT8,
    Backend,
    Libraries,
    as_run,
    candidates,
    files_run,
    libraries_here,
    permitted_kinds,
    run_by,
)
from workers.session.providers import ProviderError

CPU_ONLY = Libraries(("CPUExecutionProvider",))
ONNX_MAC = Libraries(("CoreMLExecutionProvider", "CPUExecutionProvider"))
MAC = replace(ONNX_MAC, coremltools=True)
GRAPHICS = Libraries(("CUDAExecutionProvider", "CPUExecutionProvider"))


def tried(choice, precision, libraries) -> list[tuple[str, str, str, str | None]]:
    found = candidates(choice, precision, libraries)
    return [(one.provider, one.library, one.kind, one.units) for one in found]


def test_a_mac_tries_both_libraries_on_all_units_and_ends_with_the_cpu():
    assert tried("auto", "any", MAC) == [
        ("coreml", "coremltools", "coreml", "CPU_AND_NE"),
        ("coreml", "coremltools", "coreml", "CPU_AND_GPU"),
        ("coreml", "coremltools", "coreml", "ALL"),
        ("coreml", "onnxruntime", "fp16", "CPU_AND_NE"),
        ("coreml", "onnxruntime", "fp16", "CPU_AND_GPU"),
        ("coreml", "onnxruntime", "fp16", "ALL"),
        ("coreml", "onnxruntime", "fp32", "CPU_AND_GPU"),
        ("cpu", "onnxruntime", "fp32", None),
    ]
    assert all(library == "onnxruntime" for _, library, _, _ in tried("auto", "any", ONNX_MAC))


def test_elsewhere_float16_is_tried_only_where_it_is_asked_for():
    assert candidates("auto", "any", CPU_ONLY) == [CPU]
    assert candidates("auto", "any", GRAPHICS) == [Backend("cuda"), CPU]
    assert candidates("auto", "fp16", GRAPHICS) == [Backend("cuda", "fp16"), Backend("cpu", "fp16")]
    assert candidates("cpu", "any", MAC) == [CPU]
    assert candidates("cpu", "fp16", MAC) == [Backend("cpu", "fp16")]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("choice", ["auto", "coreml", "cpu"])
def test_a_precision_asked_for_is_never_replaced(choice, precision):
    found = candidates(choice, precision, MAC)
    assert {one.precision for one in found} == {precision}


def test_integers_are_for_the_cpu_and_never_tried_unless_asked_for():
    for choice in ("auto", "cpu"):
        assert candidates(choice, "int8", MAC) == [INT8]
        assert INT8 not in candidates(choice, "any", MAC)
    with pytest.raises(ProviderError, match="int8 runs on the CPU alone: choose --provider cpu"):
        candidates("coreml", "int8", MAC)
    assert permitted_kinds("int8") == ("int8",)
    assert set(permitted_kinds("any")) == {"fp32", "fp16", "coreml"}


def test_beside_the_quantized_network_the_others_run_in_float32():
    star, head = (read_record(DEMO_FOLDER).models[name] for name in ("star98", "mtl_aus"))
    int8 = ModelVariant("int8", "i", "0", 1, 0.1, "px", "1")
    star = replace(star, variants=(int8,))
    assert [run_by(model, INT8) for model in (star, head)] == [INT8, CPU]


def test_a_network_without_the_kind_is_run_in_float32_on_a_mac_by_the_cpu():
    plain = read_record(DEMO_FOLDER).models["star98"]
    fp16 = replace(plain, variants=(ModelVariant("fp16", "f", "0", 1, 0.1, "px", "1"),))
    onnx = Backend("coreml", "fp16", "onnxruntime", "ALL")
    program = Backend("coreml", "coreml", "coremltools", "ALL")
    cuda = Backend("cuda", "fp16")
    assert [run_by(fp16, one) for one in (onnx, program, cuda)] == [onnx, CPU, cuda]
    assert [run_by(plain, one) for one in (onnx, program, cuda)] == [CPU, CPU, Backend("cuda")]
    whole = Backend("coreml", "fp32", "onnxruntime", "CPU_AND_GPU")
    assert run_by(plain, whole) == whole
    assert files_run([as_run(plain, onnx)]) == {"star98.onnx": plain.sha256}


def test_a_provider_asked_for_by_name_is_never_replaced():
    assert {one.provider for one in candidates("coreml", "any", MAC)} == {"coreml"}
    assert candidates("cuda", "any", GRAPHICS) == [Backend("cuda")]
    with pytest.raises(ProviderError, match="'coreml' is not in this machine's onnxruntime"):
        candidates("coreml", "any", CPU_ONLY)


def test_what_changes_numbers_is_in_the_name_and_the_name_can_be_part_of_a_queues():
    every = [*candidates("auto", "any", MAC), *candidates("auto", "fp16", GRAPHICS)]
    every += [replace(one, star_batch=4) for one in every]
    names = {one.name for one in every}
    assert len(names) == len(every)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)
    assert CPU.name == "cpu"
    chosen = replace(every[0], star_batch=4)
    assert chosen.name == "coreml_coremltools_ne_fp16_x4"
    assert str(chosen) == "provider 'coreml' (coremltools, CPU_AND_NE, fp16, STAR by 4)"


def test_here_the_cpu_is_among_what_can_run_models():
    assert "CPUExecutionProvider" in libraries_here().onnx_providers


def test_kinds_have_a_precision():
    assert permitted_kinds("any") == ("fp32", "fp16", "coreml")
    assert permitted_kinds("fp32") == ("fp32",)
    assert permitted_kinds("fp16") == ("fp16", "coreml")


def test_the_files_that_are_run_are_told_by_kind_and_batch():
    def variant(kind, batch):
        return ModelVariant(kind, f"{kind}-{batch}", f"{kind}{batch}", batch, 0.1, "px", "1")

    model = read_record(DEMO_FOLDER).models["star98"]
    model = replace(
        model, variants=(variant("fp32", 4), variant("coreml", 1), variant("coreml", 4))
    )
    coreml = Backend("coreml", "coreml", "coremltools", "ALL")
    plain = {"star98.onnx": model.sha256}
    for backend, files in (
        (CPU, plain),
        (Backend("cuda", star_batch=4), plain | {"fp32-4": "fp324"}),
        (coreml, {"coreml-1": "coreml1"}),
        (replace(coreml, star_batch=4), {"coreml-1": "coreml1", "coreml-4": "coreml4"}),
    ):
        assert files_run([as_run(model, backend)]) == files
