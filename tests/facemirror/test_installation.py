"""The wheel in an environment of its own, and what other packages of our packages' names do to it.

The environments borrow the dependencies of the one that runs the tests, so that no index is needed.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ops.outputs import Outputs

PROJECT = Path(__file__).resolve().parents[2]
STRANGE = 'raise RuntimeError("somebody else\'s module was imported")\n'


@dataclass(frozen=True)
class Environment:
    """A virtual environment; folder: its own."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        return next((self.folder / "lib").glob("python*/site-packages"))

    def run(self, *line: object, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run one of its programs, or Python with a line that begins with a dash."""
        program, *rest = map(str, line)
        if program.startswith("-"):
            command = [str(self.python), program, *rest]
        else:
            command = [str(self.folder / "bin" / program), *rest]
        kept = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
        return subprocess.run(
            command,
            cwd=cwd,
            env={**kept, "COLUMNS": "200", **variables},
            capture_output=True,
            text=True,
            timeout=840,
            check=False,
        )


def environment(folder: Path) -> Environment:
    """An empty one, but for the dependencies."""
    venv.create(folder, symlinks=True)
    made = Environment(folder)
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (made.packages / "dependencies.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    return made


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Environment:
    """The project's wheel, built and installed. Tests change copies of it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ("hatchling", "build", "--target", "wheel", "--directory", folder)
    subprocess.run([sys.executable, "-m", *build], cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    made = environment(folder / "environment")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", made.python),
            *("install", "--quiet", "--no-index", "--no-deps", "--no-compile", wheel),
        ],
        check=True,
    )
    return made


@pytest.fixture
def changeable(installed, tmp_path) -> Environment:
    """A copy of the installed one."""
    copied = environment(tmp_path / "copy")
    for path in installed.packages.iterdir():
        if path.is_dir():
            shutil.copytree(path, copied.packages / path.name)
    program = (installed.folder / "bin" / "facemirror").read_text()
    copy = copied.folder / "bin" / "facemirror"
    copy.write_text(program.replace(str(installed.python), str(copied.python)))
    copy.chmod(0o755)
    return copied


@pytest.fixture
def strange_folder(tmp_path) -> Path:
    """A folder in which somebody keeps modules of our packages' names."""
    folder = tmp_path / "work"
    (folder / "ops").mkdir(parents=True)
    for name in ("tasks.py", "workers.py", "weights.py", "ops/__init__.py"):
        (folder / name).write_text(STRANGE)
    return folder


def install_strange_ops(packages: Path, *files: str, name="ops", version="2.0") -> None:
    """A distribution with these files, as pip would lay it over what is there."""
    for file in files:
        path = packages / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(STRANGE)
    record = packages / f"{name}-{version}.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (record / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def only_line(done: "subprocess.CompletedProcess[str]") -> str:
    """What a refused start says."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("facemirror: ")
    return line


@pytest.mark.timeout(900)
def test_the_demo_works_beside_modules_of_the_same_names(installed, strange_folder):
    """It says that it is one, and shows true beside measured."""
    line = ("facemirror", "demo", "--left", 0.3, "--workers", 2)
    done = installed.run(*line, cwd=strange_folder)
    assert done.returncode == 0, done.stderr
    assert "somebody else" not in done.stderr
    assert "DEMO weights" in done.stderr
    assert re.search(r"on provider '(cpu|coreml)'", done.stderr)
    lines = [line for line in done.stderr.splitlines() if "AU12" in line]
    left_true, left, right_true, right = (float(v) for v in lines[0].split("│")[3:7])
    assert (left_true, right_true) == (0.3, 1.0)
    assert abs(left / right - 0.3) < 0.15
    run = Outputs(strange_folder / "facemirror-demo" / "phantom").run
    assert run["warnings"][0].startswith("DEMO")
    assert all(model["demo"] for model in run["weights"])


def test_a_distribution_that_overwrites_ours_is_named_with_what_to_do(changeable, tmp_path):
    install_strange_ops(changeable.packages, "ops/__init__.py", "ops/run.py", "ops/charm.py")
    for start in (("facemirror", "--version"), ("-P", "-m", "facemirror", "--version")):
        said = only_line(changeable.run(*start, cwd=tmp_path))
        assert "another package, 'ops' 2.0, has overwritten files of Face Mirror" in said
        assert f"(ops/__init__.py and 1 more, in {changeable.packages})" in said
        assert "'uv tool install', 'pipx install', or a new 'python -m venv'" in said


@pytest.mark.parametrize("package", ["ops", "tasks", "workers", "weights"])
def test_a_changed_or_removed_file_is_named(package, changeable, tmp_path):
    (changeable.packages / package / "__init__.py").write_text(STRANGE)
    said = only_line(changeable.run("facemirror", "--version", cwd=tmp_path))
    assert f"changed or removed after it was installed ({package}/__init__.py, in" in said
    (changeable.packages / package / "__init__.py").unlink()
    said = only_line(changeable.run("facemirror", "--version", cwd=tmp_path))
    assert f"changed or removed after it was installed ({package}/__init__.py, in" in said


def test_another_distributions_files_beside_ours_do_no_harm(changeable, tmp_path):
    """As where ours was installed last, and overwrote what both have."""
    install_strange_ops(changeable.packages, "ops/charm.py")
    done = changeable.run("facemirror", "--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_module_on_the_python_path_is_named(changeable, strange_folder, tmp_path):
    done = changeable.run("facemirror", "--version", cwd=tmp_path, PYTHONPATH=str(strange_folder))
    said = only_line(done)
    assert f"{strange_folder / 'ops'} hides Face Mirror's own" in said
    assert "without PYTHONPATH" in said
    (strange_folder / "ops" / "__init__.py").unlink()
    (strange_folder / "ops").rmdir()
    done = changeable.run("-m", "facemirror", "--version", cwd=strange_folder)
    said = only_line(done)
    assert f"{strange_folder / 'tasks.py'} hides Face Mirror's own" in said
    assert "not 'python -m facemirror'" in said


def test_a_distribution_that_hides_a_project_run_from_its_own_folder_is_named(tmp_path):
    """As after `pip install -e .`: what is in site-packages comes first."""
    made = environment(tmp_path / "environment")
    (made.packages / "facemirror-project.pth").write_text(f"{PROJECT}\n")
    done = made.run("-m", "facemirror", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    install_strange_ops(made.packages, "ops/__init__.py")
    said = only_line(made.run("-m", "facemirror", "--help", cwd=tmp_path))
    assert f"{made.packages / 'ops'}, of another package, 'ops' 2.0, hides" in said
    assert "'pipx install'" in said
