"""Studies that a worker must not work on, and what its person can do about it."""

from collections.abc import Iterable
from dataclasses import dataclass

import redis
from rich.console import Console

from tasks.messages import ModelSum, RecordingOrder
from tasks.studies import open_studies
from weights.manifest import AuMethod, InstalledModel
from workers.face.scheme import LandmarkName
from workers.process.app import app
from workers.process.broker import redis_client
from workers.session.backends import Backend, PrecisionChoice, permitted_kinds

ModelSets = dict[tuple[LandmarkName, AuMethod], tuple[InstalledModel, ...]]
"""The models for each kind of landmarks and AUs that a machine can analyse."""

Files = dict[str, str]
"""Checksums by the files' names."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a worker does: the queues that it reads, its models, and what runs them."""

    queues: frozenset[str]
    sets: ModelSets
    backend: Backend


def say_what_is_not_served(served: Served, told: set[str], console: Console) -> None:
    """Say once for each study why it is not worked on here. told: those that were said."""
    from tasks.feed import recording_queue

    try:
        for study in open_studies(redis_client(app.conf.broker_url)):
            recordings = [*study.begun(), *study.waiting(1)][:1]
            for order in filter(None, map(study.order, recordings)):
                if study.id in told or recording_queue(order, None) in served.queues:
                    continue
                line = why_not_served(order, served)
                if line:
                    told.add(study.id)
                    console.print(line, style="red", soft_wrap=True)
    except redis.RedisError:
        return  # the workers themselves wait for it, and say so


def why_not_served(order: RecordingOrder, served: Served) -> str | None:
    """One line on what an order wants and this worker has not; None if it has all."""
    begin = f"study {order.study} is not worked on here: it wants "
    if served.backend.kind not in permitted_kinds(order.precision):
        return (
            f"{begin}{order.precision}, and this worker runs {served.backend}: start another one "
            f"with --precision {order.precision}"
        )
    all_here = (model for models in served.sets.values() for model in models)
    here = _files(all_here, order.precision)
    wanted = _files(order.models, order.precision)
    lacking = {file: sha256 for file, sha256 in wanted.items() if here.get(file) != sha256}
    names = {model.name for model in order.models}
    added = {
        file
        for models in served.sets.values()
        for file in _files((m for m in models if m.name in names), order.precision).keys() - wanted
    }
    if lacking:
        files = ", ".join(f"{file} (sha256 {sha256[:12]}…)" for file, sha256 in lacking.items())
        return (
            f"{begin}{files}, and this machine has another or none. Fetch it with 'facemirror "
            "weights fetch' and 'facemirror weights convert', or copy the lab server's weights "
            "folder, then start this worker again"
        )
    if added:
        return (
            f"{begin}models without {', '.join(sorted(added))}, which this machine's record has "
            "beside them: copy the lab server's weights folder, then start this worker again"
        )
    return None


def _files(models: Iterable[InstalledModel | ModelSum], precision: PrecisionChoice) -> Files:
    kinds = permitted_kinds(precision)
    found: Files = {}
    for model in models:
        found[model.file] = model.sha256
        found |= {one.file: one.sha256 for one in model.variants if one.kind in kinds}
    return found
