"""What computes alike has one name, and what does not has another."""

import re

import pytest

from workers.process.arithmetic import _digest, arithmetic, instruction_set, libraries
from workers.process.queues import served_queues

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
    assert re.fullmatch(r"cpu-[A-Za-z0-9_]+-[0-9a-f]{8}", arithmetic("cpu"))
    assert arithmetic("cpu") == arithmetic("cpu")
    assert arithmetic("simulated") != arithmetic("cpu")


def test_another_version_of_a_library_is_another_arithmetic():
    here = libraries()
    assert {"facemirror", "av", "numpy", "onnxruntime", "opencv-python-headless"} == set(here)
    for name in here:
        assert _digest(here | {name: "0.0.1"}) != _digest(here)


def test_a_worker_reads_the_queue_of_its_own_arithmetic():
    queues = served_queues(["analyze"], ["0123abcd"], "cpu")
    assert f"facemirror.analyze.0123abcd.{arithmetic('cpu')}" in queues
