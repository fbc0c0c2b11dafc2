"""What a run does before its first frame."""

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from ops import run
from tasks.messages import RunSettings
from weights.manifest import DEMO_FOLDER, sha256_of
from workers.chunk.order import AnalysisSettings
from workers.process.configuration import Configuration


class WorkersWouldStartError(Exception):
    """With this configuration."""


def test_a_run_tells_its_workers_which_weights_it_has_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_posts: object, configuration: Configuration, _log: object) -> None:
        raise WorkersWouldStartError(configuration)

    monkeypatch.setattr(run, "Workers", start)
    recording = tmp_path / "smile.mp4"
    recording.touch()
    options = run.RunOptions(
        out=tmp_path / "out",
        weights=DEMO_FOLDER,
        settings=RunSettings(analysis=AnalysisSettings()),
        demo=True,
        quiet=True,
    )
    with pytest.raises(WorkersWouldStartError) as started:
        run.run([recording], options, Console(quiet=True))
    checked = started.value.args[0].checked
    assert {file.path: file.sha256 for file in checked} == {
        str(path): sha256_of(path) for path in DEMO_FOLDER.absolute().glob("*.onnx")
    }


@pytest.mark.parametrize(
    "started",
    [
        "ops.cli, ops.run",
        "workers.process.celery_worker, tasks.ingest, tasks.feed, tasks.analyze, tasks.assemble",
    ],
)
def test_what_starts_others_imports_nothing_heavy(started: str) -> None:
    heavy = "{'av', 'cv2', 'numpy', 'onnxruntime', 'torch'}"
    program = f"import sys, {started}; sys.exit(str({heavy} & set(sys.modules) or ''))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
