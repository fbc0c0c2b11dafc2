"""Keeping a worker's hold on its messages exactly as long as the worker lives.

Celery's Redis transport gives a message to another worker when it has been held for the visibility
timeout, however alive its holder is. Here the holder's parent process renews what it holds, so the
timeout can be short: the chunk of a killed worker comes back within seconds, and a slow chunk of a
living one never does.
"""

import time
from typing import Any

from celery import bootsteps

RENEWALS_PER_LEASE = 5
AFTER_TASKS = frozenset({"celery.worker.consumer.tasks:Tasks"})


class LeaseRenewal(bootsteps.StartStopStep):  # type: ignore[misc]
    """Renews the visibility of the messages in hand, in the parent's event loop."""

    requires = AFTER_TASKS

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Called on each connection to the broker."""
        every = consumer.app.conf.facemirror.lease_seconds / RENEWALS_PER_LEASE
        self._timer = consumer.timer.call_repeatedly(every, renew_messages_in_hand, (consumer,))

    def stop(self, _consumer: Any) -> None:
        """Called when the connection is lost or the worker stops."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def renew_messages_in_hand(consumer: Any) -> None:
    """Give every message that this worker has not acknowledged a fresh delivery time."""
    channel = consumer.task_consumer.channel
    tags = list(channel.qos._delivered)
    if not tags:
        return
    with channel.conn_or_acquire() as client:
        # Only those still there: an acknowledged message must not come back.
        client.zadd(channel.unacked_index_key, dict.fromkeys(tags, time.time()), xx=True)
