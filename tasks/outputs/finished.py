"""Whether a recording's outputs are there already, made from the same file in the same way."""

from pathlib import Path

import msgspec

from tasks.messages import RecordingFiles, RecordingOrder, RecordingOutcome
from tasks.outputs.folder import written_names
from tasks.outputs.run_record import RUN_FILE, RunRecord
from workers.process.queues import SIMULATED


def finished_before(
    order: RecordingOrder, files: RecordingFiles, sha256: str
) -> RecordingOutcome | None:
    """The outcome of the run that wrote the outputs; None where anything is missing or differs.

    sha256: the recording's checksum. The recording, the settings that change numbers or files, the
    weights, and who measured decide. What was simulated or made with demo models never counts.
    """
    folder = Path(files.output) / files.name
    try:
        record = msgspec.json.decode((folder / RUN_FILE).read_bytes(), type=RunRecord)
    except (OSError, msgspec.DecodeError):
        return None  # none, or one of an earlier version
    expected = written_names(files.name, order.settings.analysis)
    if not (
        record.recording.sha256 == sha256
        and _made_the_same_way(record, order)
        and _measured_by_whom_it_may(record, order)
        and all((folder / name).is_file() for name in expected)
    ):
        return None
    return RecordingOutcome(
        status="done",
        frames=record.counts.frames,
        measured=record.counts.measured,
        warnings=record.warnings,
        kept=True,
    )


def _made_the_same_way(record: RunRecord, order: RecordingOrder) -> bool:
    weights = {(model.name, model.sha256) for model in record.weights}
    recorded = {model.file: model.sha256 for model in order.models}
    recorded |= {kind.file: kind.sha256 for model in order.models for kind in model.variants}
    run = [item for by in record.measured_by for item in by.files.items()]
    return (
        record.settings.analysis == order.settings.analysis
        and record.settings.au_labels == order.settings.au_labels
        and record.settings.rest == order.settings.rest
        and weights == {(model.name, model.sha256) for model in order.models}
        and all(recorded.get(file) == sha256 for file, sha256 in run)
        and not any(model.demo for model in record.weights)
    )


def _measured_by_whom_it_may(record: RunRecord, order: RecordingOrder) -> bool:
    """A provider or precision that is asked for by name must have measured every frame; else any
    real one may have, and one kind of machine all frames unless the order lets unlike ones share
    them."""
    providers = {by.provider for by in record.measured_by}
    if SIMULATED in providers:
        return False
    if order.provider is not None and providers != {order.provider}:
        return False
    precisions = {by.precision for by in record.measured_by}
    if order.precision != "any" and precisions != {order.precision}:
        return False
    if order.precision == "any" and "int8" in precisions:
        return False
    return order.mix_providers or len(record.measured_by) == 1
