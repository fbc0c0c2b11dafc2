"""Fetching, against a local server that stands in for the hub."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.stand_ins.landmark_models import write_checkpoints
from tests.stand_ins.openface2 import write_openface2
from weights.clnf import files
from weights.fetching import (
    fetch,
    fetch_landmark_models,
    fetch_openface2,
    refuse_other_content,
)
from weights.manifest import (
    CHECKPOINTS,
    OPENFACE_REPOSITORY,
    PFLD_ON_GITHUB,
    WeightsError,
    sha256_of,
)
from weights.openface2 import AU_LIST, place_on_github

ROOT = Path(__file__).resolve().parents[2]
RETINAFACE = CHECKPOINTS["retinaface"]
FETCH = """
import sys
from dataclasses import replace
from weights.fetching import fetch
from weights.manifest import CHECKPOINTS, WeightsError
try:
    wanted = replace(CHECKPOINTS[sys.argv[2]], sha256=sys.argv[3])
    fetch(sys.argv[1], True, checkpoints=[wanted], say=print)
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


def run_fetch(
    address: str, out: Path, name: str, published: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Fetch a checkpoint whose published content is this one.

    In a process of its own: huggingface_hub reads HF_ENDPOINT when it is imported.
    """
    checksum = hashlib.sha256(published).hexdigest()
    environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(out.parent / "hf")}
    return subprocess.run(
        [sys.executable, "-c", FETCH, out, name, checksum],
        cwd=ROOT,
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_published_checkpoint_is_fetched_once(hub, tmp_path):
    folder, address = hub
    content = b"a checkpoint" * 1000
    (folder / RETINAFACE.file).write_bytes(content)
    out = tmp_path / "checkpoints"
    first = run_fetch(address, out, "retinaface", content)
    assert first.returncode == 0, first.stderr
    assert "its checksum is the published one" in first.stdout
    assert (out / RETINAFACE.file).read_bytes() == content
    (folder / RETINAFACE.file).unlink()
    again = run_fetch(address, out, "retinaface", content)
    assert again.returncode == 0, again.stderr
    assert "is there already" in again.stdout


def test_other_content_is_refused_and_removed(hub, tmp_path):
    folder, address = hub
    (folder / "Landmark_98.pkl").write_bytes(b"something else")
    out = tmp_path / "checkpoints"
    done = run_fetch(address, out, "star98")
    assert done.returncode == 1
    assert "what arrived (14 bytes) is not the published file" in done.stderr
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
        refuse_other_content(path, RETINAFACE.sha256)
    assert not path.exists()


class GitHub(SimpleHTTPRequestHandler):
    """Serves files by their place below raw.githubusercontent.com."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *message):
        """Nothing: the test's output stays its own."""


@pytest.fixture
def github(tmp_path):
    """A folder that a server serves, its address, and the paths that were asked for."""
    folder = tmp_path / "github"
    folder.mkdir()
    asked: list[str] = []
    handler = type("Asked", (GitHub,), {"asked": asked})
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *request: handler(*request, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def openface2(github, tmp_path, monkeypatch):
    """The server, with stand-ins for OpenFace 2's files where its tag has them; the stand-ins."""
    folder, address, asked = github
    model = write_openface2(tmp_path / "stand-ins")
    known = {}
    for path in model.rglob("*.*"):
        file = str(path.relative_to(model))
        known[file] = sha256_of(path)
        put(folder, place_on_github(file), path.read_bytes())
    del known[AU_LIST]
    for module in ("openface2", "fetching"):
        monkeypatch.setattr(f"weights.{module}.published", lambda: known)
    return folder, address, asked, model


@pytest.fixture
def landmark_models(github, tmp_path, monkeypatch):
    """The server, with stand-ins for OpenFace 2's landmark models where its tag has them."""
    folder, address, asked = github
    write_checkpoints(tmp_path / "stand-ins")
    model = write_openface2(tmp_path / "stand-ins")  # they share the face's shape model
    known = {file: sha256_of(model / file) for file in files.published()}
    for file in known:
        put(folder, files.place_on_github(file), (model / file).read_bytes())
    monkeypatch.setattr(files, "published", lambda: known)
    return folder, address, asked


def put(folder: Path, place: str, content: bytes) -> None:
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(content)


@pytest.fixture
def unused_address():
    """Where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_openface2s_files_are_fetched_once(openface2, tmp_path):
    _, address, asked, model = openface2
    out, lines = tmp_path / "out", []
    paths = fetch_openface2(out, address, lines.append)
    assert len(paths) == len(asked) == 35 + 3
    for path in paths:
        assert path.read_bytes() == (model / path.relative_to(out)).read_bytes()
    assert lines == [f"{out}: 37 files, their checksums are the published ones"]
    asked.clear()
    fetch_openface2(out, address, lines.append)
    assert asked == [f"/{place_on_github(AU_LIST)}"]


def test_openface2s_own_list_is_obeyed(openface2, tmp_path):
    folder, address, *_ = openface2
    listed = folder / place_on_github(AU_LIST)
    other = listed.read_text().replace("AU_23_static.dat", "AU_23_unknown.dat")
    listed.write_text(other.replace("AU_5_static.dat AU05\n", "AU_28_static.dat AU05\n"))
    lines = []
    paths = {path.name for path in fetch_openface2(tmp_path / "out", address, lines.append)}
    assert "AU_5_static.dat" not in paths
    assert "AU_23_static.dat" not in paths
    assert lines[-1].startswith("left out: AU_predictors/svm_combined/AU_23_unknown.dat is listed")


def test_an_au_model_with_other_content_is_refused_and_removed(openface2, tmp_path):
    folder, address, *_ = openface2
    name = "AU_predictors/svm_combined/AU_9_dynamic.dat"
    (folder / place_on_github(name)).write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"AU_9_dynamic\.dat was removed"):
        fetch_openface2(tmp_path / "out", address, print)
    assert not (tmp_path / "out" / name).exists()


def test_openface2s_landmark_models_are_fetched_once(landmark_models, tmp_path):
    _, address, asked = landmark_models
    out, lines = tmp_path / "out", []
    paths = fetch_landmark_models(out, address, lines.append)
    assert len(paths) == len(asked) == 13
    for path in paths:
        assert sha256_of(path) == files.published()[str(path.relative_to(out))]
    assert lines == [f"{out}: 13 files of landmark models, their checksums are the published ones"]
    asked.clear()
    fetch_landmark_models(out, address, lines.append)
    assert asked == []


@pytest.mark.parametrize("absent", [True, False])
@pytest.mark.parametrize("file", files.UNCONFIRMED)
def test_what_is_only_expected_to_be_there_is_left_out_and_said(
    landmark_models, tmp_path, file, absent
):
    folder, address, _ = landmark_models
    place = folder / files.place_on_github(file)
    if absent:
        place.unlink()
    else:
        place.write_bytes(b"another one")
    lines = []
    paths = fetch_landmark_models(tmp_path / "out", address, lines.append)
    assert len(paths) == 12
    assert not (tmp_path / "out" / file).exists()
    assert lines[0].startswith(f"left out: tag OpenFace_2.2.0 has no {file} with the known")
    needed = "cannot be converted without it" in lines[0]
    assert needed == (file != files.VALIDATOR)


def test_what_is_known_to_be_there_must_be(landmark_models, tmp_path):
    folder, address, _ = landmark_models
    place = folder / files.place_on_github(files.LANDMARK_MODELS["inner"].shape_model)
    content = place.read_bytes()
    place.write_bytes(content + b"# changed")
    with pytest.raises(WeightsError, match=r"pdm_51_inner\.txt was removed"):
        fetch_landmark_models(tmp_path / "out", address, print)
    place.unlink()
    with pytest.raises(WeightsError, match=r"pdm_51_inner\.txt could not be fetched"):
        fetch_landmark_models(tmp_path / "out", address, print)


def test_a_server_that_cannot_be_reached_leaves_nothing_out(
    landmark_models, tmp_path, unused_address
):
    fetch_landmark_models(tmp_path / "out", landmark_models[1], print)
    (tmp_path / "out" / files.VALIDATOR).unlink()
    with pytest.raises(WeightsError, match=r"validator_general_68\.txt .*check the connection"):
        fetch_landmark_models(tmp_path / "out", unused_address, print)


def test_for_openface2_both_its_kinds_of_models_are_fetched(
    openface2, landmark_models, tmp_path, monkeypatch
):
    _, address, _ = landmark_models
    monkeypatch.setattr("weights.fetching._fetch_checkpoint", lambda one, *_: Path(one.file))
    paths = fetch(tmp_path / "out", True, method="openface2", github=address)
    assert len(paths) == 2 + 38 + 13
    assert (tmp_path / "out" / "openface2" / files.VALIDATOR).is_file()


def test_a_file_that_github_does_not_have_is_named(github, tmp_path):
    _, address, _ = github
    with pytest.raises(WeightsError, match=r"AU_all_best\.txt could not be fetched from http"):
        fetch_openface2(tmp_path / "out", address, print)


def test_pfld_is_fetched_from_github(github, tmp_path):
    folder, address, asked = github
    content = b"a network"
    put(folder, PFLD_ON_GITHUB, content)
    pfld = replace(CHECKPOINTS["pfld68"], sha256=hashlib.sha256(content).hexdigest())
    for _ in range(2):
        (path,) = fetch(tmp_path / "out", True, checkpoints=[pfld], github=address)
        assert path.name == "pfld_68.onnx"
        assert path.read_bytes() == content
    assert asked == [f"/{PFLD_ON_GITHUB}"]


def test_openface2s_licence_is_its_own(tmp_path):
    with pytest.raises(WeightsError, match=r"OpenFace 2's models .* non-commercial"):
        fetch(tmp_path / "out", accept_license=False, method="openface2")
