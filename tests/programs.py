"""Programs that some tests need and that pip does not install: whoever lacks one is told which
package has it."""

import shutil
import subprocess

import pytest

from workers.process.private_redis import find_server

PACKAGES = {
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "docker-compose": "docker-compose",
    "openssl": "openssl",
    "promtool": "prometheus",
    "qemu-x86_64": "qemu-user",
    "redis-cli": "redis-tools",
    "redis-server": "redis-server",
}
"""The Debian package that has each program."""


def program(name: str) -> str:
    """The path of a program; skips the test where it is absent."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: apt install {PACKAGES[name]}")
    return found


def redis_with_tls() -> str:
    """The path of the redis-server in use; skips the test where it was built without TLS."""
    server = find_server()
    # It reads its settings until the first that it does not know, and names that one.
    asked = subprocess.run(
        [server, "-"],
        input="tls-port 0\nno-setting yes\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if "no-setting" not in asked.stdout + asked.stderr:
        pytest.skip(f"needs a redis-server with TLS: apt install {PACKAGES['redis-server']}")
    return server
