"""Making a study: what is asked for, as orders on Redis."""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import redis

from tasks.messages import (
    ModelSum,
    NamedProvider,
    Priority,
    RecordingFiles,
    RecordingOrder,
    RunSettings,
    Study,
    VariantSum,
)
from tasks.register import pseudonym, write_register
from tasks.studies import StudyStore, new_study_id, recording_id
from weights.manifest import InstalledModel
from workers.process.queues import DEFAULT_POOL, FILES_QUEUE
from workers.session.backends import PrecisionChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One recording as the person asked for it. name: what its outputs are called."""

    source: Path
    name: str
    settings: RunSettings
    models: tuple[ModelSum, ...]
    priority: Priority = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """What holds for all recordings of a study. See RecordingOrder for what they mean."""

    out: Path
    name: str | None = None
    provider: NamedProvider | None = None
    precision: PrecisionChoice = "any"
    mix_providers: bool = False
    pool: str = DEFAULT_POOL
    pseudonymize: bool = False
    anew: bool = False
    files_queue: str = FILES_QUEUE


def submit(client: "redis.Redis", requests: Iterable[Request], options: StudyOptions) -> StudyStore:
    """Put a study on Redis, all or nothing. Raises OSError where the register cannot be kept."""
    study = Study(
        id=new_study_id(),
        name=options.name or time.strftime("%Y-%m-%d-") + secrets.token_hex(2),
        created=time.time(),
        files_queue=options.files_queue,
        pseudonymized=options.pseudonymize,
    )
    orders, files = [], {}
    for number, request in enumerate(requests, 1):
        order = _order(study, number, request, options)
        files[order.id] = _files(request, options)
        orders.append(order)
    if options.pseudonymize:
        write_register(study.id, files)
    store = StudyStore(client, study.id)
    store.create(study, orders)
    return store


def model_sums(installed: Iterable[InstalledModel]) -> tuple[ModelSum, ...]:
    """Which files the models and their kinds must be."""
    return tuple(
        ModelSum(
            model.name,
            model.file,
            model.sha256,
            tuple(VariantSum(v.kind, v.file, v.sha256, v.batch) for v in model.variants),
        )
        for model in installed
    )


def _files(request: Request, options: StudyOptions) -> RecordingFiles:
    return RecordingFiles(
        source=str(request.source), output=str(options.out.absolute()), name=request.name
    )


def _order(study: Study, number: int, request: Request, options: StudyOptions) -> RecordingOrder:
    hidden = options.pseudonymize
    return RecordingOrder(
        id=recording_id(study.id, number),
        study=study.id,
        label=pseudonym(request.source) if hidden else request.source.name,
        files=None if hidden else _files(request, options),
        settings=request.settings,
        models=request.models,
        provider=options.provider,
        precision=options.precision,
        mix_providers=options.mix_providers,
        priority=request.priority,
        pool=options.pool,
        files_queue=options.files_queue,
        anew=options.anew,
    )
