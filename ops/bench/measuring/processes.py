"""What the processes of a command take: CPU time and memory, looked at from outside."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

TREE_SECONDS = 0.5
"""How often new processes are looked for."""


@dataclass(slots=True)
class ProcessWatch:
    """The processes of a command, by kind: command, files, worker, redis.

    Use `look` several times a second while it runs: a process that has ended tells nothing more.
    """

    command: int
    _known: dict[int, tuple[str, psutil.Process]] = field(default_factory=dict)
    _cpu: dict[int, tuple[str, float]] = field(default_factory=dict)
    _peaks: dict[str, float] = field(default_factory=dict)
    _listed: float = float("-inf")

    def look(self) -> None:
        """Bring CPU time and peaks up to date."""
        if time.monotonic() - self._listed > TREE_SECONDS:
            self._listed = time.monotonic()
            self._list()
        for pid, (kind, process) in list(self._known.items()):
            try:
                spent = process.cpu_times()
                mebibytes = peak_mebibytes(process)
            except (psutil.Error, OSError):
                del self._known[pid]
                continue
            self._cpu[pid] = kind, spent.user + spent.system
            self._peaks[kind] = max(self._peaks.get(kind, 0.0), mebibytes)

    def peak_mebibytes(self) -> dict[str, float]:
        """The largest resident set of any one process of each kind, MiB."""
        return dict(self._peaks)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time of all processes of each kind together."""
        totals: dict[str, float] = {}
        for kind, seconds in self._cpu.values():
            totals[kind] = totals.get(kind, 0.0) + seconds
        return totals

    def _list(self) -> None:
        try:
            command = psutil.Process(self.command)
            found = [command, *command.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in found:
            try:
                if process.pid not in self._known:
                    self._known[process.pid] = _kind(process), process
            except psutil.Error:
                continue


def _kind(process: psutil.Process) -> str:
    said = process.cmdline()
    if "redis" in process.name():
        return "redis"
    if not any("celery_worker" in word for word in said):
        return "command"
    names = [word.partition("@")[0] for word in said if "@" in word]
    return "files" if any("files" in name for name in names) else "worker"


def peak_mebibytes(process: psutil.Process) -> float:
    """The largest resident set so far where the system keeps it (Linux), else the present one."""
    if sys.platform == "linux":
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return float(process.memory_info().rss) / 2**20
