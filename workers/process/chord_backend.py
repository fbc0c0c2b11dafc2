"""Celery's results on Redis, for an app that counts chords and asks for no result."""

from typing import Any

from celery.backends.redis import RedisBackend


class ChordBackend(RedisBackend):  # type: ignore[misc]
    """Subscribes to no results: Celery's own does for each task of a chord, though nobody reads
    them, and keeps what it has subscribed to."""

    def add_pending_result(self, result: Any, *_: object, **__: object) -> Any:
        """A result that somebody might wait for."""
        return result

    def on_task_call(self, *_: object) -> None:
        """A task is being sent whose result somebody might wait for."""
