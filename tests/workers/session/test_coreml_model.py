"""Core ML's programs as far as Linux can run them: coremltools' files are real, its runtime is not.

What stands for the runtime answers with what NumPy makes of the same program.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from weights.manifest import (
    DEMO_FOLDER,
    ModelVariant,
    WeightsError,
    WeightsRecord,
    read_record,
    sha256_of,
    write_record,
)
from workers.session.backends import Backend
from workers.session.compute_plan import PlanRequest, device_plan, watched_plan
from workers.session.coreml_model import CoreMLModel, compiled_program
from workers.session.runners import open_runner

coremltools = pytest.importorskip(
    "coremltools", reason="needs coremltools: make test EXTRAS=dev,convert,coreml"
)
# It leaves files open that it has read.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A program that doubles a picture, in float16 with float32 ends."""
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec(shape=(1, 3, 4, 4))])
    def double(image):
        return Builder.mul(x=image, y=np.float32(2.0), name="doubled")

    path = tmp_path_factory.mktemp("programs") / "double.mlpackage"
    coremltools.convert(
        double,
        convert_to="mlprogram",
        compute_precision=coremltools.precision.FLOAT16,
        minimum_deployment_target=coremltools.target.macOS14,
    ).save(str(path))
    return path


class Runtime:
    """Stands for Core ML: what was compiled and opened, and the answers."""

    def __init__(self) -> None:
        self.compiled: list[str] = []
        self.opened: list[tuple[str, object]] = []

    def compile_model(self, package: str, destination: str) -> str:
        self.compiled.append(package)
        Path(destination).mkdir()
        (Path(destination) / "model.mil").write_text("program")
        return destination

    def open(self, path: str, units: object) -> "Runtime":
        self.opened.append((path, units))
        return self

    def predict(self, inputs):
        return {"doubled": (inputs["image"] * 2).astype(np.float16)}


@pytest.fixture
def runtime(monkeypatch) -> Runtime:
    made = Runtime()
    monkeypatch.setattr(coremltools.models.utils, "compile_model", made.compile_model)
    monkeypatch.setattr(coremltools.models, "CompiledMLModel", made.open)
    return made


def test_a_program_is_compiled_once_and_runs_on_the_units_asked_for_by_a_stand_in(
    package, runtime, tmp_path
):
    for units in ("CPU_AND_NE", "CPU_AND_GPU", "ALL"):
        model = CoreMLModel(package, tmp_path / "compiled", units)
        path, opened = runtime.opened[-1]
        assert path == str(tmp_path / "compiled" / "double.mlmodelc")
        assert opened == coremltools.ComputeUnit[units]
    assert runtime.compiled == [str(package)]
    assert [entry.name for entry in (tmp_path / "compiled").iterdir()] == ["double.mlmodelc"]
    assert model.input_shapes == {"image": (1, 3, 4, 4)}
    picture = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    (answer,) = model.run(["doubled"], image=picture)
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer, picture * 2)


def test_a_wrong_shape_is_refused_by_a_stand_in(package, runtime, tmp_path):
    model = CoreMLModel(package, tmp_path, "ALL")
    with pytest.raises(ValueError, match=r"input image has shape \(1, 3, 5, 4\)"):
        model.run(["doubled"], image=np.zeros((1, 3, 5, 4), np.float32))


def test_a_compilation_that_fails_leaves_nothing_half_made(package, monkeypatch, tmp_path):
    def fail(package: str, destination: str) -> str:
        Path(destination).mkdir()
        raise RuntimeError("no compiler")

    monkeypatch.setattr(coremltools.models.utils, "compile_model", fail)
    with pytest.raises(RuntimeError, match="no compiler"):
        compiled_program(package, tmp_path / "compiled")
    assert list((tmp_path / "compiled").iterdir()) == []


def test_another_process_that_was_faster_is_no_trouble(package, runtime, monkeypatch, tmp_path):
    def be_late(package: str, destination: str) -> str:
        runtime.compile_model(package, str(tmp_path / "double.mlmodelc"))
        return runtime.compile_model(package, destination)

    monkeypatch.setattr(coremltools.models.utils, "compile_model", be_late)
    program = compiled_program(package, tmp_path)
    assert (program / "model.mil").is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == ["double.mlmodelc"]


def test_a_backend_opens_the_recorded_program_in_a_cache_of_its_checksum_by_a_stand_in(
    package, runtime, tmp_path
):
    weights = tmp_path / "weights"
    weights.mkdir()
    star = read_record(DEMO_FOLDER).models["star98"]
    (weights / star.file).write_bytes((DEMO_FOLDER / star.file).read_bytes())
    package.rename(weights / "star98.mlpackage")
    try:
        checksum = sha256_of(weights / "star98.mlpackage")
        kind = ModelVariant("coreml", "star98.mlpackage", checksum, 1, 0.1, "px", "1")
        recorded = replace(star, variants=(kind,))
        write_record(weights, WeightsRecord().having(recorded))
        backend = Backend("coreml", "coreml", "coremltools", "CPU_AND_NE")
        open_runner(weights, recorded, backend, tmp_path / "compiled")
        (path, units) = runtime.opened[-1]
        assert path == str(tmp_path / "compiled" / checksum[:16] / "star98.mlmodelc")
        assert units == coremltools.ComputeUnit.CPU_AND_NE
        changed = replace(kind, sha256="0" * 64)
        write_record(weights, WeightsRecord().having(replace(star, variants=(changed,))))
        with pytest.raises(WeightsError, match=r"star98\.mlpackage was changed or damaged"):
            open_runner(weights, recorded, backend, tmp_path / "compiled")
    finally:
        (weights / "star98.mlpackage").rename(package)


@pytest.mark.skipif(coremltools.utils._macos_version() >= (10, 13), reason="a Mac makes plans")
def test_elsewhere_than_on_a_mac_there_is_no_plan_and_it_says_why(package, tmp_path):
    request = PlanRequest(package=str(package), compiled=str(tmp_path), units="ALL")
    plan = watched_plan(request)
    assert plan.operations == {}
    assert "only support on macOS" in plan.why_not


def test_planning_that_hangs_is_given_up(package, tmp_path):
    request = PlanRequest(package=str(package), compiled=str(tmp_path), units="ALL")
    assert watched_plan(request, patience=0.01).why_not == "it was not ready within 0 s"


class MadeUpPlan:
    """Stands for MLComputePlan: every convolution on the Neural Engine, the rest on the CPU."""

    def __init__(self, program) -> None:
        self.model_structure = type("Structure", (), {"program": program})()

    def get_compute_device_usage_for_mlprogram_operation(self, operation):
        from coremltools.models.compute_device import (
            MLCPUComputeDevice,
            MLNeuralEngineComputeDevice,
        )
        from coremltools.models.compute_plan import MLComputePlanDeviceUsage

        if operation.operator_name == "const":
            return None
        here = operation.operator_name == "ios17.conv"
        device = object.__new__(MLNeuralEngineComputeDevice if here else MLCPUComputeDevice)
        return MLComputePlanDeviceUsage(
            preferred_compute_device=device, supported_compute_devices=[device]
        )

    def get_estimated_cost_for_mlprogram_operation(self, operation):
        from coremltools.models.compute_plan import MLComputePlanCost

        return MLComputePlanCost(weight={"ios17.conv": 0.3}.get(operation.operator_name, 0.1))


def operations(*names: str, inner=()):
    from coremltools.models import compute_plan

    return compute_plan.MLModelStructureProgramBlock(
        inputs=[],
        operations=[
            compute_plan.MLModelStructureProgramOperation(
                inputs={}, operator_name=name, outputs=[], blocks=list(inner), __proxy__=None
            )
            for name in names
        ],
        output_names=[],
    )


def test_a_plan_is_counted_by_device_and_operation_constants_left_out():
    inside = operations("ios17.conv", "const")
    outside = operations("const", "ios17.conv", "ios17.topk", inner=[inside])
    function = type("Function", (), {"block": outside})()
    program = type("Program", (), {"functions": {"main": function}})()
    plan = device_plan(MadeUpPlan(program))
    # Each of the three has the inner block: one convolution more for each.
    assert plan.operations == {"Neural Engine": {"ios17.conv": 4}, "CPU": {"ios17.topk": 1}}
    assert plan.share("Neural Engine") == pytest.approx(0.8)
    assert plan.cost == pytest.approx({"Neural Engine": 1.2, "CPU": 0.1})
    assert plan.elsewhere("Neural Engine") == {"ios17.topk": 1}
    with pytest.raises(ValueError, match="no program"):
        device_plan(MadeUpPlan(None))
