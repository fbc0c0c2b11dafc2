"""What a worker computes with: everything that can change the last digit of a number.

Last digits grow where a number decides what is looked at next, so one recording is measured by one
arithmetic. Its name goes into the name of a queue:

    cpu-x86_64_avx512-5d1c9a7e
    coreml_coremltools_ne_fp16_x4-Apple_M2_arm64_macos15_1-0b6f21c8-videotoolbox
    |                             |                        |        +-- encoder, if not x264
    |                             |                        +-- versions of program and libraries
    |                             +-- processor, and what of it the libraries make use of
    +-- backend

Imports nothing heavy: a worker's parent asks.
"""

import hashlib

from workers.session.backends import Backend
from workers.session.machine import libraries, processor
from workers.video.writing.encoders import Encoder


def arithmetic(backend: Backend, encoder: Encoder = "x264") -> str:
    """What this machine computes with on a backend: numbers of unlike ones differ, and so do the
    videos of unlike encoders, which cannot be joined."""
    numbers = f"{backend.name}-{processor(backend.provider)}-{_digest(libraries(backend))}"
    return numbers if encoder == "x264" else f"{numbers}-{encoder}"


def _digest(versions: dict[str, str]) -> str:
    listed = "\n".join(f"{name} {number}" for name, number in sorted(versions.items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:8]
