"""Whether a recording's outputs are there already, made from the same file in the same way."""

from pathlib import Path

import msgspec

from tasks.messages import RecordingFiles, RecordingOrder, RecordingOutcome
from tasks.outputs.folder import written_names
from tasks.outputs.run_record import RUN_FILE, RunRecord


def finished_before(
    order: RecordingOrder, files: RecordingFiles, sha256: str
) -> RecordingOutcome | None:
    """The outcome of the run that wrote the outputs; None where anything is missing or differs.

    sha256: the recording's checksum. The recording, the settings that change numbers or files, and
    the weights decide.
    """
    folder = Path(files.output) / files.name
    try:
        record = msgspec.json.decode((folder / RUN_FILE).read_bytes(), type=RunRecord)
    except (OSError, msgspec.DecodeError):
        return None  # none, or one of an earlier version
    settings = order.settings
    same = (
        record.recording.sha256 == sha256
        and record.settings.analysis == settings.analysis
        and record.settings.au_labels == settings.au_labels
        and record.settings.rest == settings.rest
        and {(m.name, m.sha256) for m in record.weights}
        == {(m.name, m.sha256) for m in order.models}
        and (order.provider is None or record.provider == order.provider)
    )
    expected = written_names(files.name, settings.analysis)
    if not same or not all((folder / name).is_file() for name in expected):
        return None
    return RecordingOutcome(
        status="done",
        frames=record.counts.frames,
        measured=record.counts.measured,
        warnings=record.warnings,
        kept=True,
    )
