"""The Celery app in one process that goes from one Redis to another."""

from dataclasses import replace

import pytest

from workers.process.app import app, connect
from workers.process.broker import queue_length, redis_client
from workers.process.private_redis import PrivateRedis
from workers.process.queues import FILES_QUEUE


@pytest.fixture
def configuration():
    before = app.conf.facemirror
    yield before
    connect(before)


def test_messages_and_results_go_to_the_redis_that_was_named_last(configuration):
    for _ in range(2):
        with PrivateRedis() as server:
            connect(replace(configuration, broker=server.url))
            app.send_task("assemble", args=["nobody", 0], queue=FILES_QUEUE)
            app.backend.client.set("kept", b"a result")
            client = redis_client(server.url)
            assert queue_length(client, FILES_QUEUE) == 1
            assert client.get("kept") == b"a result"
