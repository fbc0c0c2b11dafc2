"""`facemirror weights convert`, with torch."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
pytest.importorskip("onnxscript", reason="needs torch: make test EXTRAS=dev,convert")

from ops.weights_commands import app  # noqa: E402
from tests.stand_ins.pfld import write_pfld  # noqa: E402
from weights import conversion  # noqa: E402
from weights.architectures.retinaface import RetinaFace  # noqa: E402
from weights.manifest import CHECKPOINTS, sha256_of  # noqa: E402


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty default weights folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("FACEMIRROR_WEIGHTS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def without_kinds(monkeypatch):
    """Only the float32 models are made: the others take seconds each."""
    monkeypatch.setattr(conversion, "make_kinds", lambda *_: ())


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_convert_takes_the_default_folders(home, monkeypatch):
    checkpoints = home / "checkpoints"
    checkpoints.mkdir(parents=True)
    write_pfld(checkpoints)
    given = CHECKPOINTS["pfld68"]
    published = replace(given, sha256=sha256_of(checkpoints / given.file))
    monkeypatch.setitem(CHECKPOINTS, "pfld68", published)
    done = run("convert")
    assert done.exit_code == 0, done.output
    assert (home / "pfld_68.onnx").is_file()
    assert "not converted: Landmark_98.pkl is not in" in done.stdout
    assert "not converted: OpenFace 2's landmark models, " in done.stdout
    assert "ccnf_patches_0.25_general.txt" in done.stdout


def test_convert_with_nothing_to_convert_fails_in_one_line(home, tmp_path):
    done = run("convert", "--checkpoints", tmp_path)
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1


def test_convert_warns_about_a_checkpoint_that_is_not_the_published_one(home, tmp_path):
    torch.manual_seed(0)
    torch.save(RetinaFace().state_dict(), tmp_path / "Alignment_RetinaFace.pth")
    done = run("convert", "--checkpoints", tmp_path)
    assert done.exit_code == 0, done.output
    warnings = [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    assert len(warnings) == 2
    assert all("must not be used on patients" in line for line in warnings)
