"""What computes alike has one name, and what does not has another."""

import re
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import pytest

from weights.manifest import DEMO_FOLDER, InstalledModel, ModelVariant, read_record
from workers.process.arithmetic import _digest, arithmetic
from workers.process.queues import chunk_queue, fingerprint, served_queues
from workers.session.backends import CPU, INT8, SIMULATED_BACKEND, Backend
from workers.session.machine import _version, instruction_set, libraries, processor

MODELS = list(read_record(DEMO_FOLDER).models.values())

SSE = {"sse", "sse2", "sse4_1", "sse4_2"}
AVX = SSE | {"avx"}
AVX2 = AVX | {"avx2", "fma"}
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512dq", "avx512vl"}


@pytest.mark.parametrize(
    ("machine", "features", "name"),
    [
        ("x86_64", SSE, "x86_64_sse"),
        ("x86_64", AVX, "x86_64_avx"),
        ("x86_64", AVX | {"avx2"}, "x86_64_avx"),  # the kernels need FMA beside AVX2
        ("x86_64", AVX2, "x86_64_avx2"),
        ("x86_64", AVX2 | {"avx512f"}, "x86_64_avx2"),
        ("x86_64", AVX512, "x86_64_avx512"),
        ("x86_64", AVX512 | {"avx512_vnni", "sha_ni"}, "x86_64_avx512"),
        ("aarch64", {"fp", "asimd"}, "aarch64"),
        ("aarch64", {"fp", "asimd", "asimddp", "i8mm"}, "aarch64_asimddp_i8mm"),
    ],
)
def test_processors_are_told_apart_by_what_the_libraries_make_use_of(machine, features, name):
    assert instruction_set(machine, features) == name


def test_the_name_is_this_machines_and_can_be_part_of_a_queues_name():
    assert re.fullmatch(r"cpu-[A-Za-z0-9_]+-[0-9a-f]{8}", arithmetic(CPU))
    assert arithmetic(CPU) == arithmetic(CPU)
    assert arithmetic(SIMULATED_BACKEND) != arithmetic(CPU)


def test_what_runs_the_models_is_part_of_the_arithmetic():
    every = [
        CPU,
        Backend("cpu", "fp16"),
        Backend("coreml", "fp16", "onnxruntime", "CPU_AND_NE"),
        Backend("coreml", "coreml", "coremltools", "CPU_AND_NE"),
        Backend("coreml", "coreml", "coremltools", "CPU_AND_NE", star_batch=4),
        Backend("coreml", "coreml", "coremltools", "CPU_AND_GPU"),
    ]
    assert len(set(map(arithmetic, every))) == len(every)


def test_chip_and_system_of_a_mac_are_part_of_the_arithmetic_on_a_machine_that_says_it_is_one(
    monkeypatch,
):
    names = set()
    for chip, system in (("Apple M2", "15.1"), ("Apple M2", "15.2"), ("Apple M4 Pro", "15.1")):
        monkeypatch.setattr("workers.session.machine.sys.platform", "darwin")
        monkeypatch.setattr("workers.session.machine._sysctl", lambda _, chip=chip: chip)
        monkeypatch.setattr("platform.mac_ver", lambda system=system: (system, (), "arm64"))
        monkeypatch.setattr("platform.machine", lambda: "arm64")
        processor.cache_clear()
        names.add(arithmetic(Backend("coreml", "coreml", "coremltools", "ALL")))
    processor.cache_clear()
    assert len(names) == 3
    assert any(
        name.startswith("coreml_coremltools_all_fp16-Apple_M4_Pro_arm64_macos15_1-")
        for name in names
    )


def test_another_version_of_a_library_is_another_arithmetic():
    here = libraries(CPU)
    assert {"facemirror", "av", "numpy", "onnxruntime", "opencv-python-headless"} == set(here)
    for name in here:
        assert _digest(here | {name: "0.0.1"}) != _digest(here)


def test_the_version_of_the_library_that_runs_the_models_counts(monkeypatch):
    coreml = Backend("coreml", "coreml", "coremltools", "ALL")
    before = [arithmetic(one) for one in (CPU, coreml)]
    monkeypatch.setattr(
        "workers.session.machine._version",
        lambda name: "0.0.1" if name == "coremltools" else version(name),
    )
    assert [arithmetic(one) for one in (CPU, coreml)] == [before[0], arithmetic(coreml)]
    assert arithmetic(coreml) != before[1]


def test_cards_driver_and_cudnn_are_part_of_the_arithmetic_on_a_machine_that_says_it_has_them(
    monkeypatch, tmp_path
):
    cards = tmp_path / "gpus" / "0000:01:00.0"
    cards.mkdir(parents=True)
    (cards / "information").write_text("Model: \t\t NVIDIA H200\nIRQ: 42\n")
    monkeypatch.setattr("workers.session.machine.GPU_INFO", tmp_path / "gpus")
    monkeypatch.setattr("workers.session.machine.GPU_DRIVER", tmp_path / "version")
    names = set()
    for driver, cudnn in (("550.54.15", "9.1"), ("550.54.16", "9.1"), ("550.54.16", "9.2")):
        (tmp_path / "version").write_text(
            f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {driver}  Tue Mar  5 2024\n"
        )
        monkeypatch.setattr(
            "workers.session.machine._version",
            lambda name, cudnn=cudnn: cudnn if "cudnn" in name else "1.0",
        )
        processor.cache_clear()
        names.add(arithmetic(Backend("cuda")))
    processor.cache_clear()
    assert len(names) == 3
    assert any("_NVIDIA_H200_driver550_54_15-" in name for name in names)


def test_onnx_runtime_for_cuda_has_its_version_told(monkeypatch):
    def only_for_cuda(name: str) -> str:
        if name == "onnxruntime":
            raise PackageNotFoundError(name)
        return "1.99" if name == "onnxruntime-gpu" else version(name)

    monkeypatch.setattr("workers.session.machine.version", only_for_cuda)
    _version.cache_clear()
    assert libraries(CPU)["onnxruntime"] == "1.99"
    _version.cache_clear()


def test_a_worker_reads_the_queue_of_its_own_arithmetic():
    queues = served_queues(["analyze"], [MODELS], CPU)
    assert chunk_queue("analyze", fingerprint(MODELS), arithmetic(CPU)) in queues


def test_a_worker_of_another_encoder_reads_another_queue_of_an_arithmetic():
    name = chunk_queue("analyze", fingerprint(MODELS), arithmetic(CPU, "videotoolbox"))
    plain = chunk_queue("analyze", fingerprint(MODELS), arithmetic(CPU))
    for encoder, read, unread in (("videotoolbox", name, plain), ("x264", plain, name)):
        queues = served_queues(["analyze"], [MODELS], CPU, encoder)
        assert read in queues
        assert unread not in queues


def with_kinds(checksum: str = "f", batch: int = 1) -> list[InstalledModel]:
    """The models of MODELS, with a float16 kind of this checksum."""
    kind = ModelVariant("fp16", "fp16", checksum * 64, batch, 0.1, "px", "1")
    return [replace(model, variants=(kind,)) for model in MODELS]


def test_all_kinds_of_one_record_share_a_queue():
    anybodys = chunk_queue("analyze", fingerprint(with_kinds()), "any")
    for backend in (CPU, Backend("cpu", "fp16"), Backend("coreml", "coreml", "coremltools", "ALL")):
        assert anybodys in served_queues(["analyze"], [with_kinds()], backend)


def test_a_worker_reads_no_queue_of_a_precision_that_it_has_not():
    halves = chunk_queue("analyze", fingerprint(with_kinds(), "fp16"), "any")
    wholes = chunk_queue("analyze", fingerprint(with_kinds(), "fp32"), "any")
    cpu = served_queues(["analyze"], [with_kinds()], CPU)
    mac = served_queues(["analyze"], [with_kinds()], Backend("coreml", "fp16", units="ALL"))
    assert (wholes in cpu, halves in cpu) == (True, False)
    assert (wholes in mac, halves in mac) == (False, True)


def test_where_a_record_has_no_float16_nobody_takes_float32_for_it():
    halves = chunk_queue("analyze", fingerprint(MODELS, "fp16"), "any")
    assert halves not in served_queues(["analyze"], [MODELS], CPU)


def test_a_model_that_a_lab_has_quantized_changes_no_queue_but_that_of_int8():
    made = ModelVariant("int8", "int8", "a" * 64, 1, 0.1, "px", "1")
    quantized = [replace(model, variants=(*model.variants, made)) for model in with_kinds()]
    for precision in ("any", "fp32", "fp16"):
        assert fingerprint(quantized, precision) == fingerprint(with_kinds(), precision)
    wanted = chunk_queue("analyze", fingerprint(quantized, "int8"), "any")
    assert wanted in served_queues(["analyze"], [quantized], INT8)
    assert wanted not in served_queues(["analyze"], [with_kinds()], INT8)  # it lacks the file
    assert wanted not in served_queues(["analyze"], [quantized], CPU)
    ordinary = chunk_queue("analyze", fingerprint(quantized), "any")
    assert ordinary not in served_queues(["analyze"], [quantized], INT8)


def test_a_worker_whose_kinds_are_not_in_the_studys_record_never_sees_its_chunks():
    for other in (with_kinds("e"), with_kinds(batch=4), MODELS):
        for precision in ("any", "fp16"):
            wanted = chunk_queue("analyze", fingerprint(with_kinds(), precision), "any")
            fp16 = Backend("coreml", "fp16", units="ALL")
            assert wanted not in served_queues(["analyze"], [other], fp16)
    # In float32 all of them have the same file.
    wanted = chunk_queue("analyze", fingerprint(with_kinds(), "fp32"), "any")
    assert wanted in served_queues(["analyze"], [MODELS], CPU)


def test_a_simulated_session_is_never_anybody():
    queues = served_queues(["analyze"], [MODELS], SIMULATED_BACKEND)
    assert queues
    assert not any(queue.endswith(".any") for queue in queues)
