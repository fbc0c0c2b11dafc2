"""What processes, Redis and the network have used so far, and what lies between two looks."""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import psutil
import redis

from workers.process.launcher import Workers

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Spent:
    """Since everything was started.

    cpu: seconds of the processes of each kind; commands: that Redis was sent, by name; received,
    sent: bytes at Redis.
    """

    cpu: Figures
    commands: Figures
    received: float
    sent: float

    def since(self, earlier: "Spent") -> "Spent":
        """What was spent between an earlier look and this one."""
        return Spent(
            cpu=_more(self.cpu, earlier.cpu),
            commands=_more(self.commands, earlier.commands),
            received=self.received - earlier.received,
            sent=self.sent - earlier.sent,
        )

    def each(self, pieces: float) -> dict[str, object]:
        """What one of so many pieces of work cost: CPU in ms, commands, kB at Redis."""
        cpu = {kind: round(1000 * seconds / pieces, 2) for kind, seconds in self.cpu.items()}
        often = sorted(self.commands.items(), key=lambda one: -one[1])
        return {
            "cpu_ms": {**cpu, "all": round(1000 * sum(self.cpu.values()) / pieces, 2)},
            "commands": round(sum(self.commands.values()) / pieces, 1),
            "of_which": {name: round(calls / pieces, 2) for name, calls in often[:16]},
            "kB_to_redis": round(self.received / pieces / 1000),
            "kB_from_redis": round(self.sent / pieces / 1000),
        }


def spent(workers: Workers, client: "redis.Redis", server: int) -> Spent:
    """As of now. server: the process id of Redis; this process is the dispatcher's."""
    cpu: defaultdict[str, float] = defaultdict(float)
    cpu["redis"] = _seconds(psutil.Process(server))
    cpu["dispatcher"] = _seconds(psutil.Process(os.getpid()))
    for post, pid in workers.parents().items():
        kind = post.name.partition("-")[0]
        parent = psutil.Process(pid)
        cpu[f"{kind} parents"] += _seconds(parent)
        cpu[f"{kind} children"] += sum(map(_seconds, parent.children(recursive=True)))
    told = client.info("commandstats")
    network = client.info("stats")
    return Spent(
        cpu=dict(cpu),
        commands={name.removeprefix("cmdstat_"): one["calls"] for name, one in told.items()},
        received=network["total_net_input_bytes"],
        sent=network["total_net_output_bytes"],
    )


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _more(now: Figures, earlier: Figures) -> Figures:
    return {name: value - earlier.get(name, 0.0) for name, value in now.items()}
