"""Looking at this machine: versions, weights, what serves, what is missing."""

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ops.doctor.findings import Findings, FoundFile, Service, Trouble
from ops.doctor.services import Trials, services
from weights.manifest import (
    MODELS,
    InstalledModel,
    ModelVariant,
    WeightsError,
    WeightsRecord,
    read_record,
    sha256_of,
)
from workers.process.broker import BrokerError
from workers.process.private_redis import find_server
from workers.session.backends import Libraries, libraries_here
from workers.session.compute_plan import DevicePlan, PlanRequest, watched_plan
from workers.session.machine import LIBRARIES, processor
from workers.session.trial.choice import WatchedAttempt
from workers.session.trial.watched import watched_attempt

SAID_VERSIONS = ("facemirror", *LIBRARIES, "coremltools", "celery", "redis")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is looked at. anew: try what runs the models, whatever is remembered; compiled: folder
    for compiled Core ML models, beside which trials are remembered."""

    weights: Path
    compiled: Path
    anew: bool = False


def examine(
    patient: Patient,
    say: Callable[[str], None],
    *,
    libraries: Libraries | None = None,
    attempt: WatchedAttempt = watched_attempt,
) -> Findings:
    """Look at everything. say: gets lines for people while a trial runs; raises nothing that is
    wrong with the machine: that is what is found."""
    here = libraries or libraries_here()
    troubles: list[Trouble] = []
    record, files = _weights(patient.weights, troubles)
    redis = _redis(troubles)
    trials = Trials(
        weights=patient.weights,
        compiled=patient.compiled,
        libraries=here,
        attempt=attempt,
        anew=patient.anew,
        say=say,
    )
    served = services(trials, troubles)
    if sys.platform == "darwin" and not here.coremltools:
        remedy = "pip install 'facemirror[coreml]'"
        troubles.append(Trouble(what="coremltools is not installed", remedy=remedy, serious=False))
    return Findings(
        machine=processor("cpu"),
        system=f"{platform.platform()}, Python {platform.python_version()}",
        versions={name: found for name in SAID_VERSIONS if (found := _version(name))},
        providers=(*here.onnx_providers, *(["coremltools"] if here.coremltools else [])),
        redis=redis,
        weights=str(patient.weights),
        files=files,
        services=served,
        plans=_plans(patient, record, served),
        troubles=tuple(troubles),
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _redis(troubles: list[Trouble]) -> str | None:
    try:
        return find_server()
    except BrokerError as error:
        what, _, how = str(error).partition(": ")
        troubles.append(Trouble(what=what, remedy=how))
        return None


def _weights(folder: Path, troubles: list[Trouble]) -> tuple[WeightsRecord, tuple[FoundFile, ...]]:
    try:
        record = read_record(folder)
    except WeightsError as error:
        what, _, remedy = str(error).rpartition(": ")
        troubles.append(Trouble(what=what, remedy=remedy))
        return WeightsRecord(), ()
    files = [
        file
        for name in MODELS
        if (installed := record.models.get(name)) is not None
        for file in _files(folder, installed)
    ]
    changed = [file.file for file in files if file.state == "changed"]
    if changed:
        what = f"changed or damaged in {folder}: {', '.join(changed)}"
        troubles.append(Trouble(what=what, remedy="facemirror weights convert"))
    kinds = [file.file for file in files if file.state == "missing" and file.kind != "fp32"]
    if kinds:
        what = f"recorded, but not here: {', '.join(kinds)}"
        remedy = "facemirror weights convert, or copy the lab server's weights folder"
        troubles.append(Trouble(what=what, remedy=remedy, serious=False))
    demo = [model.file for model in record.models.values() if model.demo]
    if demo:
        what = f"DEMO weights measure nobody: {', '.join(demo)}"
        remedy = "facemirror weights fetch --accept-license, then facemirror weights convert"
        troubles.append(Trouble(what=what, remedy=remedy, serious=False))
    strange = [one.file for one in record.models.values() if not one.official and not one.demo]
    if strange:
        what = f"not made from the published checkpoints: {', '.join(strange)}"
        remedy = "do not use them on patients; facemirror weights fetch has the published ones"
        troubles.append(Trouble(what=what, remedy=remedy, serious=False))
    return record, tuple(files)


def _files(folder: Path, installed: InstalledModel) -> list[FoundFile]:
    """A model's own file and those of its other kinds."""
    kinds: list[InstalledModel | ModelVariant] = [installed, *installed.variants]
    published = "published" if installed.official else "NOT PUBLISHED"
    return [
        FoundFile(
            model=installed.name,
            kind=one.kind if isinstance(one, ModelVariant) else "fp32",
            batch=one.batch if isinstance(one, ModelVariant) else 1,
            file=one.file,
            state=_state(folder / one.file, one.sha256),
            drift=one.drift if isinstance(one, ModelVariant) else None,
            unit=one.unit if isinstance(one, ModelVariant) else "",
            origin=f"{installed.source_file}, {'DEMO' if installed.demo else published}",
        )
        for one in kinds
    ]


def _state(path: Path, sha256: str) -> str:
    if not path.exists():
        return "missing"
    return "unchanged" if sha256_of(path) == sha256 else "changed"


def _plans(
    patient: Patient, record: WeightsRecord, served: tuple[Service, ...]
) -> dict[str, DevicePlan]:
    """Core ML's plans for the programs of a folder, on the units that serve."""
    if sys.platform != "darwin":
        return {}
    chosen = [one.trial.chosen for one in served if one.trial and one.trial.chosen]
    units = next((one.units for one in chosen if one.units), None) or "CPU_AND_NE"
    found = {}
    for model in record.models.values():
        program = model.variant("coreml")
        if program is not None and (patient.weights / program.file).exists():
            request = PlanRequest(
                package=str((patient.weights / program.file).absolute()),
                compiled=str(patient.compiled / program.sha256[:16]),
                units=units,
            )
            found[model.name] = watched_plan(request)
    return found
