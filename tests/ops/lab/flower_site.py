"""A running `facemirror flower`, and asking it for pages."""

import base64
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from tests.ops.one_machine_lab import LabOnOneMachine, free_port, wait_until

PASSWORD = "mirror-mirror-7"


@dataclass(frozen=True)
class FlowerSite:
    """Where Flower is and how to log in."""

    port: int
    user: str
    password: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, *, log_in: bool = True, body: bytes | None = None) -> tuple[int, str]:
        """Status and text of a page; with a body the request is a POST."""
        request = urllib.request.Request(self.url + path, data=body)
        if log_in:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait_for(self, page: str, text: str) -> None:
        """Wait until a page holds a text."""
        wait_until(lambda: text in self.get(page)[1], 90, f"{page} never held '{text}'")

    def serves(self) -> bool:
        """Whether it answers."""
        try:
            return self.get("/healthcheck", log_in=False) == (200, "OK")
        except urllib.error.URLError:
            return False


def start_flower(
    lab: LabOnOneMachine, *options: object, user: str = "lab", password: str = PASSWORD
) -> FlowerSite:
    """The command, once it serves."""
    lab.environment["FACEMIRROR_FLOWER_PASSWORD"] = password
    port = free_port()
    process = lab.start("flower", "flower", "--port", port, "--user", user, *options)
    site = FlowerSite(port, user, password, process, lab.log("flower"))
    wait_until(site.serves, 90, lab.logs)
    return site


def start_flower_without_password(lab: LabOnOneMachine) -> FlowerSite:
    """The command, which makes up a password and says it."""
    port = free_port()
    process = lab.start("flower", "flower", "--port", port)
    site = FlowerSite(port, "lab", "", process, lab.log("flower"))
    wait_until(site.serves, 90, lab.logs)
    made_up = site.log.read_text().partition("shown only now: ")[2].split()[0]
    return replace(site, password=made_up)
