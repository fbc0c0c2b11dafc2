"""An attempt under a watchdog: a hung native call cannot be interrupted, but its process killed.

What it compiled stays in the cache that the workers read.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from workers.session.trial.attempt import AttemptRequest
from workers.session.trial.figures import Attempt, NetworkFigures

PATIENCE = 180.0
"""Seconds that a backend is given: the first Core ML compilation can take a minute, or hang."""

PROGRAM = (sys.executable, "-P", "-m", "workers.session.trial.attempt")
ROOT = Path(__file__).parents[3]


def watched_attempt(
    request: AttemptRequest,
    *,
    processes: int = 1,
    patience: float = PATIENCE,
    program: tuple[str, ...] = PROGRAM,
) -> Attempt:
    """What became of an attempt in a process of its own, whatever becomes of that process.

    program: what is started, with the request as its argument.
    """
    begun = time.monotonic()
    networks: tuple[NetworkFigures, ...] = ()
    try:
        done = subprocess.run(
            [*program, msgspec.json.encode(request).decode()],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
        )
    except subprocess.TimeoutExpired:
        why_not = f"it was not ready within {patience:.0f} s"
    else:
        networks, why_not = _understood(done)
    return Attempt(
        backend=request.backend,
        why_not=why_not,
        networks=networks,
        seconds=round(time.monotonic() - begun, 1),
        processes=processes,
    )


def _understood(
    done: "subprocess.CompletedProcess[str]",
) -> tuple[tuple[NetworkFigures, ...], str]:
    """The figures, and why the backend must not serve; empty where it may."""
    if done.returncode != 0:
        last_line = (done.stderr.strip() or "no message").splitlines()[-1]
        return (), f"it ended with {_ending(done.returncode)}: {last_line}"
    try:
        last_line = done.stdout.strip().splitlines()[-1]
        networks = msgspec.json.decode(last_line, type=tuple[NetworkFigures, ...])
    except (IndexError, msgspec.DecodeError):
        return (), "it gave no figures"
    too_far = ", ".join(one.too_far for one in networks if one.too_far)
    return networks, f"it is wrong: {too_far}" if too_far else ""


def _ending(status: int) -> str:
    """An exit status as people read it."""
    try:
        return signal.Signals(-status).name if status < 0 else str(status)
    except ValueError:
        return str(status)
