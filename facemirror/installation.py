"""Whether the packages that Python finds are the ones that were installed with this command."""

import base64
import csv
import hashlib
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

NAME = "facemirror"
PACKAGES = ("ops", "tasks", "workers", "weights")
HOME = Path(__file__).parents[1]
"""The folder with the packages: site-packages, or the project's own folder."""

OWN_ENVIRONMENT = (
    "an environment of its own ('uv tool install', 'pipx install', or a new 'python -m venv')"
)


def what_is_wrong(home: Path = HOME) -> str | None:
    """One line on what stands in the place of our packages, and what to do; None where all is well.

    home: the folder that the packages were installed into. Nothing of them is imported.
    """
    changed = changed_files(home)
    if changed:
        return _changed_line(changed, home)
    for package in PACKAGES:
        spec = find_spec(package)
        own, found = home / package, None if spec is None else spec.origin
        if found is None or not Path(found).samefile(own / "__init__.py"):
            return _hidden_line(own, found)
    return None


def changed_files(home: Path) -> list[str]:
    """The Python files of the four packages that are no more as they were installed, sorted.

    pip keeps a checksum of each. It keeps none of a project that is run from its own folder, where
    other distributions are not installed.
    """
    return sorted(
        file
        for one in distributions(path=[str(home)])
        if one.name == NAME
        for file, checksum in _recorded(one).items()
        if file.startswith(tuple(f"{package}/" for package in PACKAGES))
        and file.endswith(".py")
        and checksum != _checksum(home / file)
    )


def _recorded(installed: Distribution) -> dict[str, str]:
    """The files that were installed, below its folder with /, and their checksums as pip writes
    them (https://packaging.python.org/specifications/recording-installed-packages)."""
    lines = (installed.read_text("RECORD") or "").splitlines()
    return {row[0]: row[1] for row in csv.reader(lines) if len(row) == 3}


def _checksum(path: Path) -> str:
    """As _recorded has it; empty for a file that is not there."""
    try:
        digest = hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return ""
    return f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _changed_line(changed: list[str], home: Path) -> str:
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    files = f"{changed[0]}{more}, in {home}"
    others = ", ".join(f"'{one.name}' {one.version}" for one in _owners(set(changed), home))
    if others:
        return (
            f"another package, {others}, has overwritten files of Face Mirror ({files}): they "
            f"cannot share an environment. Install Face Mirror into {OWN_ENVIRONMENT}"
        )
    return (
        f"files of Face Mirror were changed or removed after it was installed ({files}), perhaps "
        f"by another package: install it again, into {OWN_ENVIRONMENT}"
    )


def _hidden_line(own: Path, found: str | None) -> str:
    if found is None:
        return f"{own} is missing: install Face Mirror again, into {OWN_ENVIRONMENT}"
    path = Path(found)
    top = path.parent if path.name == "__init__.py" else path
    owners = list(_owners({path.relative_to(top.parent).as_posix()}, top.parent))
    if owners:
        what = f"{top}, of another package, '{owners[0].name}' {owners[0].version},"
        return f"{what} hides Face Mirror's own {own}: install Face Mirror into {OWN_ENVIRONMENT}"
    return (
        f"{top} hides Face Mirror's own {own}: start 'facemirror' (not 'python -m facemirror') "
        "from any folder, without PYTHONPATH"
    )


def _owners(files: set[str], home: Path) -> Iterator[Distribution]:
    """The other distributions in a folder that list one of these files as theirs."""
    for one in distributions(path=[str(home)]):
        if one.name != NAME and files & _recorded(one).keys():
            yield one
