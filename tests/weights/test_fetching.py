"""Fetching, against a local server that stands in for the hub."""

import os
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.shared import shared
from weights.fetching import fetch, refuse_other_content
from weights.manifest import CHECKPOINTS, OPENFACE_REPOSITORY, WeightsError

ROOT = Path(__file__).resolve().parents[2]
RETINAFACE = CHECKPOINTS["retinaface"]
FETCH = """
import sys
from weights.fetching import fetch
from weights.manifest import CHECKPOINTS, WeightsError
try:
    fetch(sys.argv[1], True, checkpoints=[CHECKPOINTS[sys.argv[2]]], say=print)
except WeightsError as error:
    sys.exit(str(error))
"""


class Hub(SimpleHTTPRequestHandler):
    """Serves `<repository>/resolve/main/<file>` from a folder, with the hub's headers."""

    def translate_path(self, path):
        expected = f"/{OPENFACE_REPOSITORY}/resolve/main/"
        name = path.removeprefix(expected) if path.startswith(expected) else "absent"
        return str(Path(self.directory, name))

    def end_headers(self):
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("ETag", '"a-version"')
        super().end_headers()

    def log_message(self, *message):
        """Nothing: the test's output stays its own."""


@pytest.fixture
def hub(tmp_path):
    """The folder that the server serves, and its address."""
    folder = tmp_path / "hub"
    folder.mkdir()
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *request: Hub(*request, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run_fetch(address: str, out: Path, name: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: huggingface_hub reads HF_ENDPOINT when it is imported."""
    environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(out.parent / "hf")}
    return subprocess.run(
        [sys.executable, "-c", FETCH, out, name],
        cwd=ROOT,
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_published_checkpoint_is_fetched_once(hub, tmp_path):
    folder, address = hub
    content = shared("weights", RETINAFACE.file).read_bytes()
    (folder / RETINAFACE.file).write_bytes(content)
    out = tmp_path / "checkpoints"
    first = run_fetch(address, out, "retinaface")
    assert first.returncode == 0, first.stderr
    assert "its checksum is the published one" in first.stdout
    assert (out / RETINAFACE.file).read_bytes() == content
    (folder / RETINAFACE.file).unlink()
    again = run_fetch(address, out, "retinaface")
    assert again.returncode == 0, again.stderr
    assert "is there already" in again.stdout


def test_other_content_is_refused_and_removed(hub, tmp_path):
    folder, address = hub
    (folder / "Landmark_98.pkl").write_bytes(b"something else")
    out = tmp_path / "checkpoints"
    done = run_fetch(address, out, "star98")
    assert done.returncode == 1
    assert "what arrived (14 bytes) is not the published checkpoint" in done.stderr
    assert not (out / "Landmark_98.pkl").exists()


def test_a_file_that_the_hub_does_not_have_is_named(hub, tmp_path):
    _, address = hub
    done = run_fetch(address, tmp_path / "checkpoints", "mtl")
    assert done.returncode == 1
    assert f"MTL_backbone.pth could not be fetched from {OPENFACE_REPOSITORY}" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_fetched_without_accepting_the_licence(tmp_path):
    with pytest.raises(WeightsError, match="non-commercial research only"):
        fetch(tmp_path / "out", accept_license=False)
    assert not (tmp_path / "out").exists()


def test_a_truncated_file_is_removed(tmp_path):
    path = tmp_path / RETINAFACE.file
    path.write_bytes(b"half a file")
    with pytest.raises(WeightsError, match="was removed"):
        refuse_other_content(RETINAFACE, path)
    assert not path.exists()
