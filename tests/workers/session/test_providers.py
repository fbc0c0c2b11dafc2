"""How a provider is asked for, and how many processes it is given to."""

from pathlib import Path

import pytest

from workers.session.providers import coreml_options, default_processes, execution_providers

GIB = 1 << 30


@pytest.mark.parametrize(
    ("units", "said"),
    [("CPU_AND_NE", "CPUAndNeuralEngine"), ("CPU_AND_GPU", "CPUAndGPU"), ("ALL", "ALL")],
)
def test_core_ml_gets_the_options_that_its_documentation_names(units, said):
    coreml, cpu = execution_providers("coreml", Path("cache"), units)
    assert (coreml.name, cpu.name) == ("CoreMLExecutionProvider", "CPUExecutionProvider")
    assert coreml.options == coreml_options(Path("cache"), said)
    assert coreml.options == {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": said,
        "RequireStaticInputShapes": "1",
        "ModelCacheDirectory": "cache",
    }


def test_cuda_searches_no_algorithms_and_rounds_nothing():
    cuda, _ = execution_providers("cuda", Path("cache"))
    assert cuda.options == {"cudnn_conv_algo_search": "DEFAULT", "use_tf32": "0"}


def test_an_accelerator_is_shared_by_one_process_and_a_cpu_by_its_cores():
    assert default_processes("coreml", 10, 64 * GIB) == 1
    assert default_processes("cpu", 10, 64 * GIB) == 10
    assert default_processes("cpu", 10, 4 * GIB) == 2
    assert default_processes("cpu", 2, GIB) == 1
