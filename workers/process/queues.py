"""Names of the queues, so that work reaches only those who may do it.

A chunk's queue is `facemirror.POOL.WEIGHTS.WHO`. POOL: a name that a lab may choose, `analyze` by
default. WEIGHTS: a fingerprint of the models, so that a worker with other weights never sees the
chunk. WHO: `any`, a provider, or one arithmetic (see `workers.process.arithmetic`).
"""

import hashlib
from collections.abc import Iterable

from workers.process.arithmetic import arithmetic
from workers.session.providers import Provider

FILES_QUEUE = "facemirror.files"
"""Ingest, feed and assemble: where the recordings and the output folder are."""

DEFAULT_POOL = "analyze"
ANYBODY = "any"
SIMULATED: Provider = "simulated"

URGENT, ORDINARY = 0, 5
"""Priorities: on Redis the smaller number is served first."""


def fingerprint(models: Iterable[tuple[str, str]]) -> str:
    """Eight hexadecimal digits for a set of models, each (name, sha256 of its file)."""
    listed = "\n".join(f"{name} {checksum}" for name, checksum in sorted(models))
    return hashlib.sha256(listed.encode()).hexdigest()[:8]


def chunk_queue(pool: str, weights: str, who: str) -> str:
    """The queue of chunks that want these weights, for `any`, a provider or an arithmetic."""
    return f"facemirror.{pool}.{weights}.{who}"


def same_queue_for(queue: str, who: str) -> str:
    """The queue beside a chunk queue that somebody else reads."""
    return f"{queue.rpartition('.')[0]}.{who}"


def served_queues(pools: Iterable[str], weights: Iterable[str], provider: Provider) -> list[str]:
    """The queues that a worker reads, the narrowest first.

    A simulated session is never anybody: it gets only what was sent to it by name.
    """
    everyone = [arithmetic(provider), provider, *([ANYBODY] if provider != SIMULATED else [])]
    return [chunk_queue(pool, one, who) for who in everyone for pool in pools for one in weights]
