"""Reading docker-compose.yml as Compose does, far enough to start its commands without Docker."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[3]
FILE = PROJECT / "docker-compose.yml"
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


def services(environment: Mapping[str, str]) -> dict[str, Service]:
    """The services, with an `.env` of this content. Raises KeyError for a required variable."""
    content = yaml.safe_load(FILE.read_text())
    return {
        name: _service(name, fill(service, environment))
        for name, service in content["services"].items()
    }


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
