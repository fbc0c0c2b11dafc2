"""Names of queues that people give: `worker --queues`, `submit --queue`."""

import re

from ops.errors import UsageError
from workers.process.queues import FILES_QUEUE

RESERVED = FILES_QUEUE.rpartition(".")[2]


def pool_names(text: str) -> tuple[str, ...]:
    """The names in a comma-separated list; raises UsageError where one cannot be a queue's."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names or RESERVED in names or not all(re.fullmatch(r"[\w-]+", name) for name in names):
        raise UsageError(
            f"'{text}' names no queue: use letters, digits, - and _, separated by commas"
        )
    return names


def pool_name(text: str) -> str:
    """One name; raises UsageError where it cannot be a queue's."""
    names = pool_names(text)
    if len(names) > 1:
        raise UsageError(f"'{text}' names several queues: a study goes to one")
    return names[0]
