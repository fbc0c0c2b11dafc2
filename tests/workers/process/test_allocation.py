"""How worker processes hold memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from workers.process.configuration import Configuration
from workers.process.launcher import worker_environment

PICTURES = """
import resource
import numpy as np

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

np.ones((1080, 1920, 3), np.uint8)
before = faults()
for _ in range(20):
    np.ones((1080, 1920, 3), np.uint8)
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="is about glibc")
def test_a_worker_asks_the_system_for_a_pictures_memory_once(tmp_path: Path) -> None:
    environment = worker_environment(Configuration(weights=tmp_path, compiled=tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", PICTURES],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    pages = 1080 * 1920 * 3 // 4096
    assert int(done.stdout) < pages
