"""Nothing is reported to anybody: patients' recordings are analysed in silence."""

import os
import subprocess
import sys

import pytest

SHOW = "import os, {module}, onnxruntime; print(os.listdir(os.environ['TMPDIR']))"


def files_left_by(module: str, folder, **environment: str) -> str:
    """What ONNX Runtime leaves in the folder for temporary files; its telemetry has an id there."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("CI", "ORT_DISABLE_TELEMETRY")}
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(module=module)],
        env={**inherited, "TMPDIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.parametrize(
    "module", ["workers", "weights", "workers.session.loading", "weights.manifest"]
)
def test_telemetry_is_off_before_onnx_runtime_is_loaded(module, tmp_path):
    assert files_left_by(module, tmp_path) == "[]"


def test_the_environment_cannot_switch_it_on(tmp_path):
    assert files_left_by("workers", tmp_path, ORT_DISABLE_TELEMETRY="0") == "[]"
