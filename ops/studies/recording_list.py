"""A CSV list of recordings with settings for each."""

import csv
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ops.analysis_choices import require_compatible
from ops.errors import UsageError
from tasks.messages import Priority, RunSettings

SUFFIX = ".csv"
COLUMNS = ("recording", "name", "landmarks", "au_labels", "flip", "debug_video", "fast", "priority")
YES, NO = ("yes", "true", "1"), ("no", "false", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecording:
    """A line of the list. name None: after the file."""

    source: Path
    name: str | None
    settings: RunSettings
    priority: Priority


def read_list(path: Path, settings: RunSettings, priority: Priority) -> list[ListedRecording]:
    """The recordings of a list; what a line leaves empty is as in `settings` and `priority`.

    Paths are relative to the list. Raises UsageError, with the line's number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            unknown = [column for column in columns if column not in COLUMNS]
            if unknown or "recording" not in columns:
                raise UsageError(
                    f"{path}: its first line must name the column 'recording' and may name "
                    f"{', '.join(COLUMNS[1:])}" + (f", not {', '.join(unknown)}" * bool(unknown))
                )
            return [
                _listed(path, line, row, settings, priority) for line, row in enumerate(reader, 2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: cannot be read as a CSV list ({error})") from error


def _listed(
    path: Path, line: int, row: dict[str, str], settings: RunSettings, priority: Priority
) -> ListedRecording:
    given = {key: value.strip() for key, value in row.items() if key and value and value.strip()}
    where = f"{path}, line {line}"
    if "recording" not in given:
        raise UsageError(f"{where}: names no recording")
    analysis = settings.analysis
    fields: dict[str, object] = {
        "landmarks": given.get("landmarks", analysis.landmarks),
        "flip": _flag(where, given, "flip", analysis.flip),
        "debug_video": _flag(where, given, "debug_video", analysis.debug_video),
        "fast": _flag(where, given, "fast", analysis.fast),
    }
    try:
        chosen = msgspec.convert(
            {
                "analysis": {**msgspec.to_builtins(analysis), **fields},
                "au_labels": given.get("au_labels", settings.au_labels),
                "chunk_frames": settings.chunk_frames,
                "rest": settings.rest,
            },
            RunSettings,
        )
        require_compatible(chosen.analysis, chosen.au_labels)
        return ListedRecording(
            source=(path.parent / given["recording"]).absolute(),
            name=given.get("name"),
            settings=chosen,
            priority=msgspec.convert(given.get("priority", priority), Priority),
        )
    except (msgspec.ValidationError, UsageError) as error:
        raise UsageError(f"{where}: {error}") from error


def _flag(where: str, given: dict[str, str], name: str, default: bool) -> bool:
    value = given.get(name, "").lower()
    if value in YES or value in NO:
        return value in YES
    if value:
        raise UsageError(f"{where}: {name} is '{value}', not yes or no")
    return default
