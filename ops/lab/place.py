"""A place on Redis that one process holds at a time: being the server, or having a worker's name.

| key                   | type   | content                                           |
| --------------------- | ------ | ------------------------------------------------- |
| facemirror:server     | string | HOST TOKEN of the server                          |
| facemirror:named:NAME | string | HOST TOKEN of the worker that is called NAME      |

A place is kept from its holder's main loop and expires GONE_AFTER seconds after that loop stands
still: a killed holder's place is free soon, and one that hangs is found out.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import redis
from rich.console import Console

from ops.errors import UsageError
from workers.process.broker import text

SERVER_KEY = "facemirror:server"
GONE_AFTER = 15
"""Seconds."""

PATIENCE = 5
"""Seconds that a newcomer waits longer than a dead holder's place lasts."""


@dataclass(frozen=True, slots=True)
class Words:
    """What people are told, with OTHER for the holder's machine. waiting: while it may be dead;
    refused: where it lives; lost: where another has taken the place."""

    waiting: str
    refused: str
    lost: str


SERVER = Words(
    waiting="waiting for the server on OTHER to be gone",
    refused="a server runs for this Redis already, on OTHER: stop it first",
    lost="another server was started for this Redis, on OTHER: stop one of them",
)


def name_key(name: str) -> str:
    """Where the holder of a worker's name stands."""
    return f"facemirror:named:{name}"


def words_on_name(name: str) -> Words:
    """What is said where two workers want one name."""
    return Words(
        waiting=f"waiting for the worker '{name}' on OTHER to be gone",
        refused=f"a worker named '{name}' is on already, on OTHER: choose another --name here",
        lost=f"another worker named '{name}' was started on OTHER: choose another --name here",
    )


def holder(client: "redis.Redis", key: str) -> str | None:
    """The machine of whoever holds a place now; None where nobody does."""
    return text(client.get(key) or "").partition(" ")[0] or None


class Place:
    """A place, for whoever wants it or holds it."""

    def __init__(self, client: "redis.Redis", key: str, host: str, words: Words) -> None:
        """host: this machine's name, for others to be told."""
        self._redis = client
        self._key = key
        self._me = f"{host} {secrets.token_hex(4)}"
        self._kept = float("-inf")
        self.words = words

    def take(self) -> str | None:
        """Take the place; returns who has it, if somebody else."""
        if self._redis.set(self._key, self._me, nx=True, ex=GONE_AFTER):
            return None
        return holder(self._redis, self._key) or "a machine that has just left"

    def keep(self) -> None:
        """Stay the holder; call it often. Raises UsageError where another has become it."""
        if time.monotonic() - self._kept < GONE_AFTER / 5:
            return
        self._kept = time.monotonic()
        if not self._mine():
            other = holder(self._redis, self._key) or "another machine"
            raise UsageError(self.words.lost.replace("OTHER", other))
        self._redis.set(self._key, self._me, ex=GONE_AFTER)

    def leave(self) -> None:
        """Let another have it."""
        if self._mine():
            self._redis.delete(self._key)

    def _mine(self) -> bool:
        return text(self._redis.get(self._key) or self._me) == self._me


@contextmanager
def only_holder(place: Place, console: Console) -> Iterator[None]:
    """Hold a place inside: wait for that of a process that has just died, and refuse beside one
    that lives. Raises UsageError."""
    deadline = time.monotonic() + GONE_AFTER + PATIENCE
    said = False
    while (other := place.take()) is not None:
        if time.monotonic() > deadline:
            raise UsageError(place.words.refused.replace("OTHER", other))
        if not said:
            line = place.words.waiting.replace("OTHER", other)
            console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
        said = True
        time.sleep(0.5)
    try:
        yield
    finally:
        with suppress(redis.RedisError):  # it runs out by itself
            place.leave()
