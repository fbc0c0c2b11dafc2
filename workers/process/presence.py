"""Workers saying that they are there: one short-lived key each.

| key                     | type   | content                         |
| ----------------------- | ------ | ------------------------------- |
| facemirror:worker:NAME  | string | WorkerPresence, gone when it is |
"""

from typing import Any, Literal

import msgspec
import redis
from celery import bootsteps

from workers.process.broker import redis_client
from workers.process.lease import AFTER_TASKS

PREFIX = "facemirror:worker:"
SECONDS = 5.0
GONE_AFTER = 20


class WorkerPresence(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker tells about itself. queues: those it reads."""

    name: str
    provider: Literal["coreml", "cuda", "cpu", "simulated"]
    queues: tuple[str, ...]
    version: str


class Presence(bootsteps.StartStopStep):  # type: ignore[misc]
    """Renews this worker's key, in the parent's event loop, however busy the child is."""

    requires = AFTER_TASKS

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Called on each connection to the broker."""
        announce(consumer)
        self._timer = consumer.timer.call_repeatedly(SECONDS, announce, (consumer,))

    def stop(self, _consumer: Any) -> None:
        """Called when the connection is lost or the worker stops."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def shutdown(self, consumer: Any) -> None:
        """Called when the worker stops."""
        self.stop(consumer)
        try:
            redis_client(consumer.app.conf.broker_url).delete(PREFIX + consumer.hostname)
        except redis.RedisError:
            return  # the key expires by itself


def announce(consumer: Any) -> None:
    """Write this worker's key."""
    from importlib.metadata import version

    presence = WorkerPresence(
        name=consumer.hostname,
        provider=consumer.app.conf.facemirror.provider,
        queues=tuple(consumer.app.amqp.queues.consume_from),
        version=version("facemirror"),
    )
    channel = consumer.task_consumer.channel
    with channel.conn_or_acquire() as client:
        client.set(PREFIX + consumer.hostname, msgspec.json.encode(presence), ex=GONE_AFTER)


def present_workers(client: "redis.Redis") -> list[WorkerPresence]:
    """The workers that are there, by name."""
    keys = sorted(client.scan_iter(f"{PREFIX}*", count=1000))
    values = client.mget(keys) if keys else []
    return [msgspec.json.decode(value, type=WorkerPresence) for value in values if value]
