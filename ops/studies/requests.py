"""From what a person names to the recordings of a study, each with its settings and models."""

from pathlib import Path

from rich.console import Console

from ops.errors import UsageError
from ops.recordings import find_recordings, naming_fault, output_names
from ops.run import say_which_weights
from ops.studies.recording_list import SUFFIX, ListedRecording, read_list
from ops.studies.submission import Request, model_sums
from tasks.messages import ModelSum, Priority, RunSettings
from weights.manifest import AuMethod
from workers.face.scheme import LandmarkName
from workers.session.backends import PrecisionChoice
from workers.session.needed_models import check_precision, check_weights


def study_requests(
    given: list[Path],
    settings: RunSettings,
    priority: Priority,
    weights: Path,
    precision: PrecisionChoice,
    demo: bool,
    console: Console,
) -> list[Request]:
    """The recordings to submit. weights: the folder with the models that workers must have;
    precision: that these must offer; demo: demo models were asked for. Raises UsageError or
    WeightsError, and then nothing is submitted."""
    listed = [recording for path in given for recording in _listed(path, settings, priority)]
    if not listed:
        raise UsageError(f"no recordings in {', '.join(map(str, given))}")
    missing = [str(one.source) for one in listed if not one.source.is_file()]
    if missing:
        raise UsageError(f"there is no such file: {', '.join(missing)}. Nothing was submitted")
    names = _names(listed)
    for source, name in names.items():
        if fault := naming_fault(source, name):
            raise UsageError(f"{source}: {fault}. Nothing was submitted")
    models = {
        models_for: _models(weights, *models_for, precision, demo, console)
        for models_for in dict.fromkeys(map(_landmarks_and_aus, listed))
    }
    return [
        Request(
            source=one.source,
            name=names[one.source],
            settings=one.settings,
            models=models[_landmarks_and_aus(one)],
            priority=one.priority,
        )
        for one in {one.source: one for one in listed}.values()
    ]


def _listed(path: Path, settings: RunSettings, priority: Priority) -> list[ListedRecording]:
    if path.suffix.lower() == SUFFIX:
        return read_list(path, settings, priority)
    return [
        ListedRecording(source=source, name=None, settings=settings, priority=priority)
        for source in find_recordings([path])
    ]


def _names(listed: list[ListedRecording]) -> dict[Path, str]:
    """An output name for each recording; raises UsageError where two would share one."""
    named = {one.source: one.name for one in listed if one.name}
    try:
        names = output_names([one.source for one in listed if one.source not in named]) | named
    except ValueError as error:
        raise UsageError(str(error)) from error
    wrong = [name for name in named.values() if "/" in name or name.startswith(".")]
    if wrong:
        raise UsageError(f"'{wrong[0]}' cannot name a folder: leave out '/' and a leading dot")
    folded = [name.casefold() for name in names.values()]
    twice = sorted({name for name in names.values() if folded.count(name.casefold()) > 1})
    if twice:
        raise UsageError(f"several recordings are called {', '.join(twice)}: name them apart")
    return names


def _landmarks_and_aus(recording: ListedRecording) -> tuple[LandmarkName, AuMethod]:
    return recording.settings.analysis.landmarks, recording.settings.analysis.aus


def _models(
    weights: Path,
    landmarks: LandmarkName,
    aus: AuMethod,
    precision: PrecisionChoice,
    demo: bool,
    console: Console,
) -> tuple[ModelSum, ...]:
    installed = check_weights(weights, landmarks, aus)
    check_precision(installed, precision)
    say_which_weights(weights, installed, demo, console)
    return model_sums(installed)
