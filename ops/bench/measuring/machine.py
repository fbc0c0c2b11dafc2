"""What a benchmark ran on, and when."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from workers.process.arithmetic import arithmetic
from workers.session.backends import CPU
from workers.session.machine import libraries

CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """cores: physical ones, threads: what the system schedules on; memory_gib: GiB; load: how many
    processes wanted a core in the minute before (os.getloadavg); date: UTC, ISO 8601; libraries:
    versions, this program's among them; arithmetic: see `workers.process.arithmetic`."""

    processor: str
    cores: int
    threads: int
    memory_gib: float
    system: str
    python: str
    libraries: dict[str, str]
    arithmetic: str
    date: str
    load: float

    def said(self) -> str:
        """In two lines."""
        versions = ", ".join(f"{name} {number}" for name, number in self.libraries.items())
        return (
            f"{self.processor}, {self.cores} cores ({self.threads} threads), "
            f"{self.memory_gib:.0f} GiB, {self.system}; {self.date}, load {self.load:.2f} before.\n"
            f"Python {self.python}, {versions}; `{self.arithmetic}`."
        )


def this_machine() -> Machine:
    """Ask before anything is measured: the load is that of others then."""
    return Machine(
        processor=_processor(),
        cores=psutil.cpu_count(logical=False) or 1,
        threads=psutil.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries=libraries(CPU),
        arithmetic=arithmetic(CPU),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        load=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    if sys.platform == "darwin":
        asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        return said or platform.machine()
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
