"""A worker as a launch agent of macOS: it starts at login, starts anew when it dies, and logs."""

import plistlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.errors import UsageError

LABEL = "org.facemirror.worker"
EXIT_SECONDS = 600
"""How long launchd waits, when the Mac is shut down or the agent stopped, for a chunk to end."""
RESTART_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchAgent:
    """Where the agent's files are."""

    plist: Path
    log: Path

    def commands(self, user: int) -> tuple[str, str]:
        """What to type to start it now, and to stop it for good, as the user with this id."""
        return (
            f'launchctl bootstrap gui/{user} "{self.plist}"',
            f"launchctl bootout gui/{user}/{LABEL}",
        )


def install(
    arguments: Sequence[str], environment: Mapping[str, str], home: Path | None = None
) -> LaunchAgent:
    """Write the launch agent that runs `facemirror ARGUMENTS` at every login.

    arguments: such as ("worker", "--provider", "coreml"); what is secret belongs into
    `environment`, since command lines are seen by everybody on the Mac. The file, which nobody but
    its owner can read, replaces an older one. home: the user's folder. Raises UsageError
    where the command is not installed beside this Python.
    """
    home = home or Path.home()
    program = Path(sys.executable).with_name("facemirror")
    if not program.exists():
        raise UsageError(
            f"{program} is missing: install Face Mirror with pip into the Python that runs it"
        )
    agent = LaunchAgent(
        plist=home / "Library" / "LaunchAgents" / f"{LABEL}.plist",
        log=home / "Library" / "Logs" / "facemirror" / "worker.log",
    )
    agent.log.parent.mkdir(parents=True, exist_ok=True)
    agent.plist.parent.mkdir(parents=True, exist_ok=True)
    content = plistlib.dumps(describe([str(program), *arguments], environment, agent.log))
    _write_for_owner_only(agent.plist, content)
    return agent


def describe(
    program: Sequence[str], environment: Mapping[str, str], log: Path
) -> dict[str, object]:
    """The agent in the words of launchd.plist(5)."""
    return {
        "Label": LABEL,
        "ProgramArguments": list(program),
        "EnvironmentVariables": dict(environment),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": RESTART_SECONDS,
        "ExitTimeOut": EXIT_SECONDS,
        # Others are throttled, and a throttled process stays on the slow cores.
        "ProcessType": "Interactive",
        "StandardOutPath": str(log),
        "StandardErrorPath": str(log),
        "Umask": 0o077,
    }


def _write_for_owner_only(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600, exist_ok=False)
    unfinished.write_bytes(content)
    unfinished.replace(path)
