"""Imports go one way between the rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
ROOMS = {
    # A room may import itself and those below it; rooms of one level know nothing of each other.
    "facemirror": 110,
    "ops": 100,
    "tasks": 90,
    "workers.process": 70,
    "workers.chunk": 70,
    "workers.session": 60,
    "workers.aus": 50,
    "workers.models": 40,
    "workers.clnf": 40,
    "workers.measures": 35,
    "workers.face": 30,
    "workers.video": 30,
    "workers.arrays": 20,
    "workers": 15,  # its __init__
    "weights": 10,
}


def room_of(module: str) -> str | None:
    found = [room for room in ROOMS if module == room or module.startswith(f"{room}.")]
    return max(found, key=len, default=None)


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("facemirror", "ops", "tasks", "workers", "weights"):
        for path in sorted((PROJECT / top).rglob("*.py")):
            parts = path.relative_to(PROJECT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward_imports(module: str, path: Path) -> list[str]:
    here = room_of(module)
    assert here is not None
    rooms = [(name, room_of(name)) for name in imported(path)]
    return [name for name, room in rooms if room not in (None, here) and ROOMS[room] >= ROOMS[here]]


@pytest.mark.parametrize(("module", "path"), [pytest.param(*m, id=m[0]) for m in modules()])
def test_imports_go_downwards(module, path):
    assert upward_imports(module, path) == []


def test_an_upward_import_is_seen(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("from workers.chunk import order\nimport tasks.store\nfrom workers import face")
    assert upward_imports("workers.face.module", path) == ["workers.chunk.order", "tasks.store"]


def test_only_weights_imports_torch():
    for module, path in modules():
        if room_of(module) != "weights":
            assert not any(name.split(".")[0] in ("torch", "timm") for name in imported(path))
