"""What a machine computes with: everything that can change the last digit of a number.

Processors with other instruction sets add in another order, and so do other versions of the
libraries. Last digits grow where a number decides what is looked at next, so one recording is
measured by one arithmetic. Its name goes into the name of a queue:

    cpu-x86_64_avx512-5d1c9a7e
    |   |             +-- versions of this program and the libraries
    |   +-- processor, and what of it the libraries make use of
    +-- provider

Imports nothing heavy: a worker's parent asks.
"""

import hashlib
import platform
import re
import subprocess
import sys
from collections.abc import Collection
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from workers.session.providers import Provider

LIBRARIES = ("av", "numpy", "onnxruntime", "opencv-python-headless")
"""They change numbers: decoding, arrays, models, pictures."""

X86_LEVELS = {
    # As ONNX Runtime's kernels, OpenCV and numpy tell processors apart, the best first.
    "avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl"),
    "avx2": ("avx2", "fma"),
    "avx": ("avx",),
}
ARM_FEATURES = ("asimddp", "bf16", "i8mm", "sme", "sve", "sve2")
CPU_INFO = Path("/proc/cpuinfo")
GPU_INFO = Path("/proc/driver/nvidia/gpus")


@lru_cache
def arithmetic(provider: Provider) -> str:
    """What this machine computes with on a provider: numbers of unlike ones differ."""
    return f"{provider}-{_processor(provider)}-{_digest(libraries())}"


@lru_cache
def libraries() -> dict[str, str]:
    """The versions of this program and of the libraries that change numbers."""
    return {name: version(name) for name in ("facemirror", *LIBRARIES)}


def instruction_set(machine: str, features: Collection[str]) -> str:
    """The name of an architecture with what is made use of.

    machine: as `platform.machine` has it; features: flags as Linux names them.
    """
    if machine in ("x86_64", "AMD64"):
        fitting = (name for name, needed in X86_LEVELS.items() if set(needed) <= set(features))
        return f"{machine}_{next(fitting, 'sse')}"
    return "_".join([machine, *(name for name in ARM_FEATURES if name in features)])


def _processor(provider: Provider) -> str:
    found = [_mac() if sys.platform == "darwin" else _linux()]
    if provider == "cuda":
        found += sorted({gpu for path in GPU_INFO.glob("*/information") for gpu in _gpus(path)})
    return _plain("_".join(found))


def _linux() -> str:
    """The features that every core has."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    cores = [set(line.partition(":")[2].split()) for line in lines if _lists_features(line)]
    return instruction_set(platform.machine(), set.intersection(*cores) if cores else set())


def _lists_features(line: str) -> bool:
    return line.partition(":")[0].strip() in ("flags", "Features")


def _mac() -> str:
    """Chip and system: Core ML's and Accelerate's numbers come with both."""
    asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    chip = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return f"{chip}_{platform.machine()}_macos{platform.mac_ver()[0]}"


def _gpus(information: Path) -> list[str]:
    found = re.search(r"^Model:\s*(.+)$", information.read_text(), re.MULTILINE)
    return [found[1]] if found else []


def _plain(name: str) -> str:
    """Letters, digits and _ only: - and . mean something in a queue's name."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")


def _digest(versions: dict[str, str]) -> str:
    listed = "\n".join(f"{name} {number}" for name, number in sorted(versions.items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:8]
