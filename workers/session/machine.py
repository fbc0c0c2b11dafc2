"""What a machine computes with, beside a backend: its processor, its system, its libraries.

Processors with other instruction sets add in another order, and so do other versions of the
libraries.

Imports nothing heavy: a worker's parent asks.
"""

import platform
import re
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workers.session.backends import Backend
from workers.session.providers import Provider

LIBRARIES = ("av", "numpy", "onnxruntime", "opencv-python-headless")
"""They change numbers: decoding, arrays, models, pictures."""

CUDA_LIBRARIES = ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13")
"""They are there as packages or not at all."""

X86_LEVELS = {
    # As ONNX Runtime's kernels, OpenCV and numpy tell processors apart, the best first.
    "avx512": ("avx512f", "avx512bw", "avx512dq", "avx512vl"),
    "avx2": ("avx2", "fma"),
    "avx": ("avx",),
}
ARM_FEATURES = ("asimddp", "bf16", "i8mm", "sme", "sve", "sve2")
CPU_INFO = Path("/proc/cpuinfo")
GPU_INFO = Path("/proc/driver/nvidia/gpus")
GPU_DRIVER = Path("/proc/driver/nvidia/version")


@lru_cache
def processor(provider: Provider) -> str:
    """What a provider runs on, in letters, digits and _: instruction sets; chip and system of a
    Mac, as Core ML's and Accelerate's numbers come with both; the graphics cards for CUDA."""
    found = [_mac() if sys.platform == "darwin" else _linux()]
    if provider == "cuda":
        found += sorted({gpu for path in GPU_INFO.glob("*/information") for gpu in _gpus(path)})
        found += [_driver()]
    return _plain("_".join(found))


def libraries(backend: Backend) -> dict[str, str]:
    """The versions of this program and of the libraries that change a backend's numbers."""
    names = {"facemirror", *LIBRARIES, backend.library}
    if backend.provider == "cuda":
        names.update(CUDA_LIBRARIES)
    return {name: _version(name) for name in sorted(names)}


@lru_cache
def _version(name: str) -> str:
    # ONNX Runtime for CUDA is another package with the same modules.
    for package in (name, f"{name}-gpu"):
        with suppress(PackageNotFoundError):
            return version(package)
    return "none"


def instruction_set(machine: str, features: Collection[str]) -> str:
    """The name of an architecture with what is made use of.

    machine: as `platform.machine` has it; features: flags as Linux names them.
    """
    if machine in ("x86_64", "AMD64"):
        fitting = (name for name, needed in X86_LEVELS.items() if set(needed) <= set(features))
        return f"{machine}_{next(fitting, 'sse')}"
    return "_".join([machine, *(name for name in ARM_FEATURES if name in features)])


def _linux() -> str:
    """The features that every core has."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    cores = [set(line.partition(":")[2].split()) for line in lines if _lists_features(line)]
    return instruction_set(platform.machine(), set.intersection(*cores) if cores else set())


def _lists_features(line: str) -> bool:
    return line.partition(":")[0].strip() in ("flags", "Features")


def _mac() -> str:
    return (
        f"{_sysctl('machdep.cpu.brand_string')}_{platform.machine()}_macos{platform.mac_ver()[0]}"
    )


def _sysctl(name: str) -> str:
    asked = ["/usr/sbin/sysctl", "-n", name]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def _gpus(information: Path) -> list[str]:
    found = re.search(r"^Model:\s*(.+)$", information.read_text(), re.MULTILINE)
    return [found[1]] if found else []


def _driver() -> str:
    """The version of NVIDIA's driver, as in `... Kernel Module  550.54.15  ...`."""
    said = GPU_DRIVER.read_text() if GPU_DRIVER.exists() else ""
    found = re.search(r"Module.*?\s(\d+(?:\.\d+)+)\s", said)
    return f"driver{found[1]}" if found else ""


def _plain(name: str) -> str:
    """Letters, digits and _ only: - and . mean something in a queue's name."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
