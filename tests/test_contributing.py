"""What a contributor is told is what is there."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "ops/README.md",
    "ops/bench/README.md",
    "ops/MEASURES.md",
)


def test_before_a_commit_the_same_programs_run_as_in_ci():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = {
        tuple(hook["entry"].removeprefix(".venv/bin/").split())
        for repository in config["repos"]
        for hook in repository["hooks"]
    }
    commands = re.findall(r"^\t\$\(BIN\)/(ruff .*|mypy.*)$", (ROOT / "Makefile").read_text(), re.M)
    checks = {tuple(word for word in c.split() if word not in {"--check", "."}) for c in commands}
    assert checks == hooks == {("ruff", "format"), ("ruff", "check"), ("mypy",)}


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")))
def test_an_issue_form_asks_for_something(form):
    read = yaml.safe_load(form.read_text())
    assert read["name"]
    assert read["description"]
    asked = [field for field in read["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in asked}) == len(asked) >= 3
    assert any(field.get("validations", {}).get("required") for field in asked)


@pytest.mark.parametrize("page", PAGES)
def test_every_test_and_module_that_a_page_names_is_there(page):
    text = (ROOT / page).read_text()
    files = set(re.findall(r"`((?:tests|tasks|workers|weights|ops)/[\w./]+)`", text))
    modules = {
        f"{m.replace('.', '/')}"
        for m in re.findall(r"python -m ((?:ops|tests|weights)\.[\w.]+)", text)
    }
    missing = [f for f in files if not (ROOT / f).exists()]
    missing += [m for m in modules if not ((ROOT / f"{m}.py").exists() or (ROOT / m).is_dir())]
    assert not missing
    links = set(re.findall(r"\]\(([^)#:]+)\)", text))
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
