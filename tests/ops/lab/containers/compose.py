"""Reading docker-compose.yml as Compose does, far enough to start its commands without Docker."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[4]
FILE = PROJECT / "docker-compose.yml"
TLS_FILE = PROJECT / "docker-compose.tls.yml"
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<text>[^}]*))?\})")


@dataclass(frozen=True)
class Service:
    """One service with its variables filled in; `written` holds everything that the file says."""

    name: str
    command: list[str]
    environment: dict[str, str]
    written: Mapping[str, Any]

    @property
    def volumes(self) -> dict[str, str]:
        """What is mounted where: paths inside, and the folder or volume outside."""
        parts = [volume.split(":") for volume in self.written.get("volumes", [])]
        return {inside: outside for outside, inside, *_ in parts}


def services(environment: Mapping[str, str], *overriding: Path) -> dict[str, Service]:
    """The services, with an `.env` of this content, and with further files on top of the first.

    Raises KeyError for a required variable.
    """
    content = yaml.safe_load(FILE.read_text())
    for file in overriding:
        content = merged(content, yaml.safe_load(file.read_text()))
    return {
        name: _service(name, fill(service, environment))
        for name, service in content["services"].items()
    }


def merged(below: Any, above: Any, key: str = "") -> Any:
    """What two files say together about one key.

    Rules: https://docs.docker.com/reference/compose-file/merge/
    """
    if isinstance(below, dict) and isinstance(above, dict):
        both = {name: merged(below[name], above[name], name) for name in below.keys() & above}
        return {**below, **above, **both}
    if key == "volumes" and isinstance(below, list):
        return [*below, *above]
    return above


def with_replaced(text: str, here: Mapping[str, str]) -> str:
    """A text of the file with paths, ports and addresses as they are on this machine."""
    for old, new in here.items():
        text = text.replace(old, new)
    return text


def environment_here(service: Service, here: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What a service's processes see here: what the file says, and what the image has."""
    return {
        **{name: with_replaced(value, here) for name, value in service.environment.items()},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": "/nonexistent",
        "FACEMIRROR_COMPILED": str(folder / "compiled"),
    }


def check_passes(
    service: Service, here: Mapping[str, str], environment: Mapping[str, str], folder: Path
) -> bool:
    """Whether a service's health check passes here."""
    kind, *command = (with_replaced(part, here) for part in service.written["healthcheck"]["test"])
    line = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
    done = subprocess.run(line, env=environment, cwd=folder, capture_output=True, check=False)
    return done.returncode == 0


def fill(value: Any, environment: Mapping[str, str]) -> Any:
    """A value of the file with its variables filled in.

    Rules: https://docs.docker.com/reference/compose-file/interpolation/
    """
    if isinstance(value, dict):
        return {key: fill(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def filled(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        given = environment.get(found["name"], "")
        if not given and found["how"] == "?":
            raise KeyError(found["name"])
        return given or (found["text"] if found["how"] == "-" else "")

    return VARIABLE.sub(filled, value)


def _service(name: str, written: Mapping[str, Any]) -> Service:
    environment = {key: str(value) for key, value in written.get("environment", {}).items()}
    return Service(name, list(written["command"]), environment, written)
