"""Certificates and a redis.conf made by the lines of ops/README.md, for a Redis on this machine."""

import subprocess
from pathlib import Path

from tests.ops.lab.page import code_blocks
from tests.programs import program

FOLDER = "/etc/redis"
"""Where the page's redis.conf looks for certificates."""


def page_lines() -> tuple[str, str, str, str]:
    """What the page gives to type: certificates, redis.conf, the broker's address, users."""
    certificates, encrypted, address, users = code_blocks("Let Macs in safely")[:4]
    return certificates, encrypted, address, users


def make_certificates(folder: Path, name: str) -> None:
    """Type the page's lines on certificates, with one of the server's names changed to localhost.

    name: lab-server, as Macs call it, or redis, as containers do. Skips the test
    where there is no openssl.
    """
    program("openssl")
    named = page_lines()[0].replace(f"DNS:{name}", "DNS:localhost")
    subprocess.run(["sh", "-ec", named], cwd=folder, check=True, capture_output=True)
