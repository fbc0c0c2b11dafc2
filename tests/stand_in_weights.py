"""Models that run without being demo models, for tests of what demo models are refused."""

from dataclasses import replace
from pathlib import Path

from weights.manifest import DEMO_FOLDER, InstalledModel, read_record, write_record


def stand_in_weights(folder: Path) -> Path:
    """The demo models as somebody's own: not the published ones, but no demo either."""
    folder.mkdir()
    listed = read_record(DEMO_FOLDER)
    own: list[InstalledModel] = []
    for model in listed.models.values():
        (folder / model.file).write_bytes((DEMO_FOLDER / model.file).read_bytes())
        own.append(replace(model, demo=False))
    write_record(folder, listed.having(*own))
    return folder
