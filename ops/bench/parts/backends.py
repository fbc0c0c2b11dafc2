"""What runs the networks: every backend and compute unit of this machine, by the trial that a
worker makes before it serves. Where there is nothing but the CPU, there is nothing to compare."""

from collections.abc import Iterator

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.methods import Method, usable_methods
from ops.bench.measuring.setting import Setting
from workers.process.configuration import default_compiled
from workers.session.backends import CPU, Libraries, libraries_here
from workers.session.needed_models import check_weights
from workers.session.trial.choice import WatchedAttempt, Wish, prove
from workers.session.trial.figures import Attempt
from workers.session.trial.watched import watched_attempt

PART = "backends"


def measure(
    setting: Setting,
    findings: Findings,
    *,
    libraries: Libraries | None = None,
    attempt: WatchedAttempt = watched_attempt,
) -> None:
    """Try them all, whatever is remembered; nothing of it is kept."""
    here = libraries or libraries_here()
    for method in usable_methods(setting.weights, findings):
        if method.more:
            continue
        for one in _attempts(setting, method, here, attempt):
            subject = f"{method.name} on {one.backend}"
            if one.networks:
                ms = [one.frame_ms]
                findings.add(PART, subject, "networks, in one process", "ms a frame", ms)
            for what, value in one.off.items():
                quantity, _, unit = what.partition(", ")
                findings.add(PART, subject, f"{quantity} off the CPU's", unit or "of 1", [value])
            if not one.right:
                findings.note(f"{subject} does not serve: {one.why_not}")


def _attempts(
    setting: Setting, method: Method, libraries: Libraries, attempt: WatchedAttempt
) -> Iterator[Attempt]:
    installed = check_weights(setting.weights, method.landmarks, method.aus)
    wish = Wish(weights=setting.weights, installed=installed, compiled=default_compiled())
    backends = wish.backends(libraries)
    if backends != [CPU]:
        setting.say(f"{PART}: {method.name}")
        yield from prove(wish, backends, setting.workers, setting.say, attempt).attempts
