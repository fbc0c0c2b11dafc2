"""What a machine remembers of its trials, until anything changes that they depend on.

A file a trial in the cache folder: what it was made under, and what was found.
"""

import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from weights.manifest import InstalledModel
from workers.session.backends import Backend
from workers.session.machine import libraries, processor
from workers.session.trial.figures import BOUNDS, Trial

FORMAT = "1"
"""Goes up where trials are made otherwise than before."""


class RememberedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a file. subject: what was asked for; circumstances: what it depends on."""

    subject: str
    circumstances: dict[str, str]
    trial: Trial


def circumstances(
    backends: Iterable[Backend], networks: Iterable[InstalledModel], processes: int
) -> dict[str, str]:
    """Chip and system, versions, checksums of all kinds: what a trial depends on, by name."""
    tried = list(backends)
    found = {"format": FORMAT, "bounds": str(BOUNDS), "CPU processes": str(processes)}
    found |= {"backends": ", ".join(one.name for one in tried)}
    found |= {f"machine for {one.provider}": processor(one.provider) for one in tried}
    for one in tried:
        found |= libraries(one)
    for model in networks:
        found[model.file] = model.sha256
        found |= {variant.file: variant.sha256 for variant in model.variants}
    return found


def trial_file(folder: Path, subject: str) -> Path:
    """Where the trial of a subject is remembered."""
    return folder / f"{hashlib.sha256(subject.encode()).hexdigest()[:16]}.json"


def remembered(folder: Path, subject: str, now: dict[str, str]) -> Trial | None:
    """What was found, where nothing has changed since; None where a trial is due.

    now: the present circumstances.
    """
    found = _read(trial_file(folder, subject))
    if found is None or found.subject != subject or found.circumstances != now:
        return None
    return found.trial


def remember(folder: Path, subject: str, now: dict[str, str], trial: Trial) -> None:
    """Keep what was found, whole or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    content = RememberedTrial(subject=subject, circumstances=now, trial=trial)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".trial-", delete=False) as file:
        file.write(msgspec.json.format(msgspec.json.encode(content), indent=2))
    Path(file.name).replace(trial_file(folder, subject))


def _read(path: Path) -> RememberedTrial | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=RememberedTrial)
    except (OSError, msgspec.DecodeError):
        return None
