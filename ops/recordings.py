"""Which files the person meant, and what their outputs are called."""

import unicodedata
from collections import Counter
from pathlib import Path

SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".avi", ".wmv", ".asf", ".mkv", ".webm", ".mpg", ".mpeg", ".mts"}
    | {".m2ts", ".ts", ".3gp", ".flv"}
)
MOST_NAME_BYTES = 220
"""File systems allow 255, of which the longest ending of an output takes some."""

OWN_OUTPUTS = ("_left_mirrored.mp4", "_right_mirrored.mp4", "_debug.mp4")


def find_recordings(given: list[Path]) -> list[Path]:
    """Files as they are given, and the recordings directly inside given folders, by name.

    A file that does not exist is listed, too: it fails by itself, and the others go on.
    """
    found: list[Path] = []
    for path in given:
        found += sorted(p for p in path.iterdir() if _is_recording(p)) if path.is_dir() else [path]
    return list(dict.fromkeys(path.absolute() for path in found))


def output_names(recordings: list[Path]) -> dict[Path, str]:
    """A folder name for each recording: its name without the suffix, with it where two share it.

    Raises ValueError where two would still share one.
    """
    stems = Counter(_on_a_mac(path.stem) for path in recordings)
    names = {
        path: path.stem
        if stems[_on_a_mac(path.stem)] == 1
        else f"{path.stem}_{path.suffix.lstrip('.')}"
        for path in recordings
    }
    taken = Counter(_on_a_mac(name) for name in names.values())
    shared = sorted({name for name in names.values() if taken[_on_a_mac(name)] > 1})
    if shared:
        raise ValueError(
            f"several recordings are called {', '.join(shared)}: their outputs would overwrite "
            "each other. Give them to separate commands with separate --out folders"
        )
    return names


def naming_fault(source: Path, name: str) -> str | None:
    """Why no outputs of this name can be written, None where they can."""
    if not (_is_text(str(source)) and _is_text(name)):
        return "its name is no UTF-8 text: rename it"
    size = len(name.encode())
    if size > MOST_NAME_BYTES:
        return (
            f"its name has {size} bytes, outputs' names have at most {MOST_NAME_BYTES}: rename it"
        )
    return None


def _on_a_mac(name: str) -> str:
    """What is the same for names that one file stands under: case and composed letters aside."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_recording(path: Path) -> bool:
    visible = not path.name.startswith(".")
    own = path.name.endswith(OWN_OUTPUTS)
    return path.is_file() and visible and not own and path.suffix.lower() in SUFFIXES
