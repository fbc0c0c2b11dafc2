"""Starting worker processes, keeping them alive, and taking them down again."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from weights.manifest import AuMethod
from workers.face.scheme import LandmarkName
from workers.process.configuration import WORKER_VARIABLE, Configuration

CELERY_WORKER = "workers.process.celery_worker"
MOST_RESTARTS = 10
RESTART_SECONDS = 120.0
GRACE_SECONDS = 5.0
DRAIN_SECONDS = 0.2

# Numeric libraries with their own threads would fight over the cores, and change the last digits.
THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

# glibc keeps what is freed in heaps that other threads cannot use. Pictures larger than 1080p's go
# straight back to the system: 4K takes 0.35 GiB less. The pages of smaller ones stay until the end
# of the chunk, else each frame would ask for them anew: 2 ms at 640x480.
ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": str(8 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}


class LauncherError(Exception):
    """Workers cannot be kept alive; the message says what they wrote last."""


@dataclass(frozen=True, slots=True)
class WorkerPost:
    """A worker's name, as Flower shows it before the host, and the queues it serves.

    host: what Flower shows after the name; %h is this machine's own; expected: the landmarks and
    AUs that its first chunk wants, where that is known.
    """

    name: str
    queues: tuple[str, ...]
    host: str = "%h"
    expected: tuple[LandmarkName, AuMethod] | None = None


def worker_command(post: WorkerPost, log_level: str = "INFO") -> list[str]:
    """The command line of a worker; see `workers.process.celery_worker`."""
    name, queues = f"{post.name}@{post.host}", ",".join(post.queues)
    return [sys.executable, "-P", "-m", CELERY_WORKER, name, queues, log_level]


def worker_environment(configuration: Configuration) -> dict[str, str]:
    """The environment of a worker, made from this process's."""
    return {
        **os.environ,
        **dict.fromkeys(THREAD_COUNTS, "1"),
        **ALLOCATION,
        **configuration.to_environment(),
    }


class Workers:
    """A set of worker processes on this machine. Use as a context manager."""

    def __init__(
        self, posts: list[WorkerPost], configuration: Configuration, log: Path | None
    ) -> None:
        """log: the file that all of them write to; None for where this process writes to."""
        self._configuration = replace(configuration, launcher=os.getpid())
        self._log = log
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._posts = posts
        self._processes: dict[WorkerPost, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._temporary = tempfile.mkdtemp(prefix="facemirror-workers-")
        for post in self._posts:
            self._start(post)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def parents(self) -> dict[WorkerPost, int]:
        """The process id of each worker's parent."""
        return {post: process.pid for post, process in self._processes.items()}

    def tend(self) -> None:
        """Start those anew that have ended; raises LauncherError when that happens too often."""
        for post, process in list(self._processes.items()):
            if process.poll() is None:
                continue
            now = time.monotonic()
            if len(self._restarts) == MOST_RESTARTS and now - self._restarts[0] < RESTART_SECONDS:
                raise LauncherError(f"worker processes keep dying: {self._last_line()}")
            self._restarts.append(now)
            _kill_group(process)
            self._start(post)

    def drain(self, meanwhile: Callable[[], None]) -> None:
        """Let all finish what they have in hand and end; returns when none is left.

        meanwhile: called several times a second.
        """
        for process in self._processes.values():
            process.terminate()
        while any(process.poll() is None for process in self._processes.values()):
            meanwhile()
            time.sleep(DRAIN_SECONDS)

    def stop(self) -> None:
        """End all; returns when none is left.

        Those that others share a broker with are asked to give back what they have in hand; a
        private one ends with them, and asking would take two seconds.
        """
        shared = self._configuration.private_server is None
        for process in self._processes.values():
            # Celery's cold shutdown gives messages back.
            process.send_signal(signal.SIGQUIT if shared else signal.SIGKILL)
        deadline = time.monotonic() + GRACE_SECONDS
        for process in self._processes.values():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill_group(process)
            _kill_group(process)  # a child that outlived its parent
            process.wait()

    def _start(self, post: WorkerPost) -> None:
        configuration = replace(self._configuration, expected=post.expected)
        with nullcontext() if self._log is None else self._log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the launcher alone.
            self._processes[post] = subprocess.Popen(
                worker_command(post),
                # What a killed worker leaves in its temporary folder goes with the folder.
                env={
                    **worker_environment(configuration),
                    WORKER_VARIABLE: secrets.token_hex(6),
                    "TMPDIR": self._temporary,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=None if log is None else subprocess.STDOUT,
                start_new_session=True,
                # Celery imports from the current folder first: a person's tasks.py is not ours.
                cwd=Path(__file__).parents[2],
            )

    def _last_line(self) -> str:
        if self._log is None:
            return "see above"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "they wrote nothing"


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    # macOS permits no signal to a group in which all have ended and wait to be collected.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
