"""Which provider runs, with which options, and what happens where it does not work."""

import sys
from pathlib import Path

import pytest

from workers.session.providers import (
    ProviderError,
    candidates,
    coreml_options,
    default_processes,
    execution_providers,
)
from workers.session.warm_up import choose_provider, warm_up_apart

MAC = ["CoreMLExecutionProvider", "CPUExecutionProvider"]
GIB = 1 << 30


def test_auto_prefers_the_accelerator_and_ends_with_the_cpu():
    assert candidates("auto", MAC) == ["coreml", "cpu"]
    assert candidates("auto", ["CPUExecutionProvider"]) == ["cpu"]


def test_a_provider_asked_for_by_name_is_never_replaced():
    assert candidates("cpu", MAC) == ["cpu"]
    with pytest.raises(ProviderError, match="'coreml' is not in this machine's onnxruntime"):
        candidates("coreml", ["CPUExecutionProvider"])


def test_core_ml_gets_the_options_that_its_documentation_names():
    assert coreml_options(Path("cache")) == {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": "CPUAndNeuralEngine",
        "RequireStaticInputShapes": "1",
        "ModelCacheDirectory": "cache",
    }
    names = [p.name for p in execution_providers("coreml", Path("cache"))]
    assert names == ["CoreMLExecutionProvider", "CPUExecutionProvider"]


def test_an_accelerator_is_shared_by_one_process_and_a_cpu_by_its_cores():
    assert default_processes("coreml", 10, 64 * GIB) == 1
    assert default_processes("cpu", 10, 64 * GIB) == 10
    assert default_processes("cpu", 10, 4 * GIB) == 2
    assert default_processes("cpu", 2, GIB) == 1


def test_a_fallback_is_said_aloud():
    said = []
    chosen = choose_provider("auto", MAC, lambda _: "it hung", said.append)
    assert chosen == "cpu"
    assert said == ["provider 'coreml' does not work here (it hung): trying the next one"]


def test_a_provider_that_works_is_taken_without_a_word():
    said = []
    assert choose_provider("auto", MAC, lambda _: None, said.append) == "coreml"
    assert said == []


def test_a_provider_asked_for_by_name_that_fails_is_an_error():
    with pytest.raises(ProviderError, match="'coreml' does not work here: it hung"):
        choose_provider("coreml", MAC, lambda _: "it hung", print)


def test_the_watchdog_ends_a_warm_up_that_hangs_in_a_program_that_stands_for_core_ml():
    hangs = (sys.executable, "-c", "import time; time.sleep(60)")
    reason = warm_up_apart(
        Path("w"), "coreml", "star98", "openface3", Path("c"), patience=0.5, program=hangs
    )
    assert reason == "it was not ready within 0 s"


def test_a_warm_up_that_fails_says_its_last_line():
    fails = (sys.executable, "-c", "import sys; sys.exit('no such device')")
    reason = warm_up_apart(Path("w"), "coreml", "star98", "openface3", Path("c"), program=fails)
    assert reason == "warming up ended with 1: no such device"


@pytest.mark.parametrize("aus", ["openface3", "openface2"])
def test_a_real_warm_up_loads_and_runs_every_model(aus, phantom_weights, tmp_path):
    assert warm_up_apart(phantom_weights, "cpu", "pfld68", aus, tmp_path) is None


def test_a_real_warm_up_says_which_weights_are_missing(tmp_path):
    reason = warm_up_apart(tmp_path, "cpu", "star98", "openface3", tmp_path)
    assert reason is not None
    assert "retinaface_frame.onnx is missing" in reason
