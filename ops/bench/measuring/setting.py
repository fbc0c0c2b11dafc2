"""What a benchmark is asked to measure, and how thoroughly."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """recording, weights: what is measured on; workers: of each run; rounds: how often everything
    takes its turn; quick: the fewest frames that say anything; beside: other programs' commands by
    name, each printing a JSON line with `frames_per_s`; older: the command of another version of
    this program; folder: for films; say: tells the person what is measured now."""

    recording: Path
    weights: Path
    workers: int
    rounds: int
    quick: bool
    beside: dict[str, str]
    older: Path | None
    folder: Path
    say: Callable[[str], None]
