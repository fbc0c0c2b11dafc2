"""What a worker computes with: everything that can change the last digit of a number.

Last digits grow where a number decides what is looked at next, so one recording is measured by one
arithmetic. Its name goes into the name of a queue:

    cpu-x86_64_avx512-5d1c9a7e
    coreml_coremltools_ne_fp16_x4-Apple_M2_arm64_macos15_1-0b6f21c8
    |                             |                        +-- versions of program and libraries
    |                             +-- processor, and what of it the libraries make use of
    +-- backend

Imports nothing heavy: a worker's parent asks.
"""

import hashlib

from workers.session.backends import Backend
from workers.session.machine import libraries, processor


def arithmetic(backend: Backend) -> str:
    """What this machine computes with on a backend: numbers of unlike ones differ."""
    return f"{backend.name}-{processor(backend.provider)}-{_digest(libraries(backend))}"


def _digest(versions: dict[str, str]) -> str:
    listed = "\n".join(f"{name} {number}" for name, number in sorted(versions.items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:8]
