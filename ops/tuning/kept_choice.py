"""What `facemirror tune` found on this machine, and whether it still holds.

A small file in the person's configuration folder. Each choice stands there with everything that it
was made under: the machine, the versions, the weights, the kind of analysis. It holds for exactly
that, and says nothing about any number that is measured. Imports nothing heavy.
"""

import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from platformdirs import user_config_path

from weights.manifest import AuMethod, InstalledModel
from workers.face.scheme import LandmarkName
from workers.process.queues import fingerprint
from workers.session.providers import Provider, default_processes
from workers.video.writing.encoders import EncoderChoice

FORMAT = 1

UNLIKE = 4.0
"""Pictures of so many times the pixels, or of so many times fewer, may want other numbers."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a choice was made under. machine: cores and memory; arithmetic: see
    `workers.process.arithmetic`, it has provider, processor and all versions; weights: the models'
    fingerprint."""

    machine: str
    arithmetic: str
    weights: str
    landmarks: LandmarkName
    aus: AuMethod

    @classmethod
    def here(
        cls,
        arithmetic: str,
        models: tuple[InstalledModel, ...],
        landmarks: LandmarkName,
        aus: AuMethod,
    ) -> "Circumstances":
        """Those of an analysis on this machine."""
        cores = f"{psutil.cpu_count(logical=False)} cores, {psutil.cpu_count()} threads"
        memory = f"{psutil.virtual_memory().total >> 20} MiB"
        return cls(
            machine=f"{cores}, {memory}",
            arithmetic=arithmetic,
            weights=fingerprint(models),
            landmarks=landmarks,
            aus=aus,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """processes: the workers that were fastest; encoder: `x264` where that beat the machine's
    hardware, else what is chosen by itself; frames_per_s: of each number that was tried;
    width, height: px of what was measured on; date: ISO 8601."""

    processes: int
    frames_per_s: dict[int, float]
    width: int
    height: int
    date: str
    encoder: EncoderChoice = "auto"

    def found_on_unlike(self, width: int, height: int) -> bool:
        """Whether it was measured on pictures of quite another size than these, px."""
        times = width * height / (self.width * self.height)
        return not 1 / UNLIKE < times < UNLIKE


def default_file() -> Path:
    """Where choices are kept."""
    return user_config_path("facemirror", appauthor=False) / "tuned.json"


def keep(choice: Choice, under: Circumstances, file: Path | None = None) -> Path:
    """Keep a choice; those made under anything else on this machine are forgotten, but those for
    other kinds of analysis. Raises OSError."""
    file = file or default_file()
    kind = under.landmarks, under.aus
    others = [
        (other, there) for other, there in _read(file) if (there.landmarks, there.aus) != kind
    ]
    listed = [
        {"made_under": asdict(there), "choice": asdict(found)}
        for found, there in [*others, (choice, under)]
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as new:
        json.dump({"format": FORMAT, "choices": listed}, new, indent=2)
        new.write("\n")
    Path(new.name).replace(file)
    return file


def kept(under: Circumstances, file: Path | None = None) -> Choice | None:
    """What was found under exactly these circumstances; None where nothing was, or it changed."""
    found = (choice for choice, there in _read(file or default_file()) if there == under)
    return next(found, None)


def _read(file: Path) -> list[tuple[Choice, Circumstances]]:
    """What is kept; nothing where the file is absent, damaged or of another version."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return []
        return [
            (_choice(entry["choice"]), Circumstances(**entry["made_under"]))
            for entry in content["choices"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _choice(entry: dict[str, object]) -> Choice:
    paces = entry["frames_per_s"]
    assert isinstance(paces, dict)
    by_number = {int(count): float(pace) for count, pace in paces.items()}
    choice = Choice(**{**entry, "frames_per_s": by_number})  # type: ignore[arg-type]
    if choice.processes not in by_number:
        raise ValueError(f"{choice.processes} processes were not tried")
    return choice


@dataclass(frozen=True, slots=True)
class Processes:
    """How many workers are started; tuned: the choice that made it so, if one did."""

    count: int
    tuned: Choice | None = None

    @property
    def why(self) -> str:
        """For people; empty where the person asked for it, or nothing was tuned."""
        if self.tuned is None:
            return ""
        return f", as 'facemirror tune' found on {self.tuned.date[:10]}"


def processes_for(
    asked: int | None,
    provider: Provider,
    under: Callable[[], Iterable[Circumstances]],
) -> Processes:
    """The number asked for; else the one that was found to be the fastest; else what fits.

    under: of each kind of analysis that may be asked for, the likeliest first.
    """
    if asked:
        return Processes(asked)
    choice = _first_kept(under)
    if choice is not None:
        return Processes(choice.processes, choice)
    cores = psutil.cpu_count(logical=False) or 1
    return Processes(default_processes(provider, cores, psutil.virtual_memory().total))


def encoder_for(
    asked: EncoderChoice, under: Callable[[], Iterable[Circumstances]]
) -> EncoderChoice:
    """The encoder asked for by name; else the one that was found to be the fastest."""
    choice = _first_kept(under) if asked == "auto" else None
    return asked if choice is None else choice.encoder


def _first_kept(under: Callable[[], Iterable[Circumstances]]) -> Choice | None:
    if not default_file().exists():
        return None
    return next(filter(None, map(kept, under())), None)
