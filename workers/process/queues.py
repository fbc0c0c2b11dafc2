"""Names of the queues, so that work reaches only those who may do it.

A chunk's queue is `facemirror.POOL.WEIGHTS.WHO`. POOL: a name that a lab may choose, `analyze` by
default. WEIGHTS: a fingerprint of the model files that may be used, so that a worker with others
never sees the chunk. WHO: `any`, a provider, or one arithmetic (see `workers.process.arithmetic`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol

from weights.manifest import ModelKind
from workers.process.arithmetic import arithmetic
from workers.session.backends import Backend, PrecisionChoice, permitted_kinds
from workers.session.providers import Provider
from workers.video.writing.encoders import Encoder

FILES_QUEUE = "facemirror.files"
"""Ingest, feed and assemble: where the recordings and the output folder are."""

DEFAULT_POOL = "analyze"
ANYBODY = "any"
SIMULATED: Provider = "simulated"

URGENT, ORDINARY = 0, 5
"""Priorities: on Redis the smaller number is served first."""

PRECISION_CHOICES: tuple[PrecisionChoice, ...] = ("any", "fp32", "fp16", "int8")


class RecordedVariant(Protocol):
    """Another kind of a model, as a weights record or an order has it."""

    @property
    def kind(self) -> ModelKind: ...
    @property
    def batch(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class RecordedModel(Protocol):
    """A model with its kinds, as a weights record or an order has it."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def variants(self) -> Sequence[RecordedVariant]: ...


def fingerprint(models: Iterable[RecordedModel], precision: PrecisionChoice = "any") -> str:
    """Eight hexadecimal digits for the files that may be used where a precision is wanted.

    The float32 file stands for the model, and always counts.
    """
    kinds = permitted_kinds(precision)
    listed = [f"precision {precision}"]
    for model in sorted(models, key=lambda model: model.name):
        listed.append(f"{model.name} {model.sha256}")
        variants = (one for one in model.variants if one.kind in kinds)
        listed += sorted(f"{model.name} {v.kind} {v.batch} {v.sha256}" for v in variants)
    return hashlib.sha256("\n".join(listed).encode()).hexdigest()[:8]


def chunk_queue(pool: str, weights: str, who: str) -> str:
    """The queue of chunks that want these weights, for `any`, a provider or an arithmetic."""
    return f"facemirror.{pool}.{weights}.{who}"


def same_queue_for(queue: str, who: str) -> str:
    """The queue beside a chunk queue that somebody else reads."""
    return f"{queue.rpartition('.')[0]}.{who}"


def served_queues(
    pools: Iterable[str],
    model_sets: Iterable[Iterable[RecordedModel]],
    backend: Backend,
    encoder: Encoder = "x264",
) -> list[str]:
    """The queues that a worker reads, the narrowest first: those of every precision that its
    backend has.

    A simulated session is never anybody: it gets only what was sent to it by name.
    """
    provider = backend.provider
    everyone = [
        arithmetic(backend, encoder),
        provider,
        *([ANYBODY] if provider != SIMULATED else []),
    ]
    wanted = [one for one in PRECISION_CHOICES if backend.kind in permitted_kinds(one)]
    weights = [fingerprint(models, one) for models in map(tuple, model_sets) for one in wanted]
    return [chunk_queue(pool, one, who) for who in everyone for pool in pools for one in weights]
