"""A lab on one machine: Redis with a password, and the standing commands as processes."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import redis

from ops.studies.status import read_status, status_json
from tasks.studies import find_study
from tests.ops.command import COMMAND
from workers.process.private_redis import find_server

PASSWORD = "a secret of the test"
LEASE = "4"


@dataclass
class LabOnOneMachine:
    """folder: for logs and data; everything the test starts ends with it."""

    folder: Path
    port: int
    environment: dict[str, str]
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    redis_process: "subprocess.Popen[bytes] | None" = None

    @property
    def broker(self) -> str:
        return f"redis://:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/0"

    @property
    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, password=PASSWORD, socket_timeout=10)

    def start_redis(self) -> None:
        """As the compose file does: append-only file, password, nothing is ever evicted."""
        settings = self.folder / "redis.conf"
        settings.write_text(
            f'port {self.port}\nbind 127.0.0.1\nrequirepass "{PASSWORD}"\nappendonly yes\n'
            f'save ""\nmaxmemory-policy noeviction\ndir "{self.folder}"\n'
        )
        with self.log("redis").open("ab") as log:
            self.redis_process = subprocess.Popen(
                [find_server(), str(settings)], stdout=log, start_new_session=True
            )
        self.running.append(self.redis_process)
        wait_until(self._answers, 15, "Redis did not start")

    def _answers(self) -> bool:
        try:
            with self.client as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def start(
        self, name: str, *arguments: object, before: tuple[str, ...] = ()
    ) -> "subprocess.Popen[bytes]":
        """Start a facemirror command that stays; its output goes to `name`.log."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                [*before, str(COMMAND), *map(str, arguments)],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def run(self, *arguments: object, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """A facemirror command that ends."""
        return subprocess.run(
            [str(COMMAND), *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def submit(self, *arguments: object) -> str:
        """The id of a new study."""
        done = self.run("submit", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def status(self, study: str) -> dict:
        """What `facemirror status --json` says."""
        return msgspec.json.decode(self.run("status", study, "--json").stdout)

    def look(self, study: str) -> dict:
        """The same without a process of its own, for looking many times; names may be hidden."""
        if self.environment["FACEMIRROR_BROKER"] != self.broker:  # it has certificates of its own
            return self.status(study)
        with self.client as client:
            return msgspec.json.decode(status_json(read_status(client, find_study(client, study))))

    def wait_for(self, study: str, seconds: float = 120) -> dict:
        """The study once it has ended."""
        wait_until(
            lambda: self.look(study)["ended"],
            seconds,
            lambda: f"{self.status(study)}\n{self.logs()}",
        )
        return self.status(study)

    def wait_for_workers(self, count: int) -> None:
        """Until this many workers say that they are there, the server's among them."""
        wait_until(
            lambda: len(list(self.client.scan_iter("facemirror:worker:*"))) >= count, 60, self.logs
        )

    def logs(self) -> str:
        return "\n".join(f"{p.name}: {p.read_text()[-1500:]}" for p in self.folder.glob("*.log"))

    def stop(self) -> None:
        for process in reversed(self.running):
            end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and its session, and whatever outlives it a moment."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: all of the group have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # it may have no session of its own
    process.wait()


@contextmanager
def frozen(process: int) -> Iterator[None]:
    """A process that stands still inside, as one that hangs."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def wait_until(
    met: Callable[[], object], seconds: float, otherwise: str | Callable[[], str]
) -> None:
    """Look five times a second until something is so."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise if isinstance(otherwise, str) else otherwise())
        time.sleep(0.2)


PORTS = iter(range(15000 + os.getpid() % 170 * 100, 32768))
"""Each process has its own first, and gives none twice. They are below those that systems hand out
to whoever connects, so that a server which is down for a moment finds its own still free."""


def free_port() -> int:
    """A TCP port of this machine that nothing listens on."""
    for port in PORTS:
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port below 32768 is free")


@contextmanager
def lab_on_one_machine(folder: Path) -> Iterator[LabOnOneMachine]:
    """A lab with a running Redis and nothing else yet."""
    lab = LabOnOneMachine(folder, free_port(), {})
    lab.environment = {
        **os.environ,
        "FACEMIRROR_BROKER": lab.broker,
        "FACEMIRROR_WEIGHTS": "demo",
        "FACEMIRROR_REGISTER": str(folder / "register"),
        "FACEMIRROR_LEASE_SECONDS": LEASE,
        "FACEMIRROR_FILES_WORKERS": "1",
        "COLUMNS": "200",
    }
    try:
        lab.start_redis()
        yield lab
    finally:
        lab.stop()
