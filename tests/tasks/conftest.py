"""A Redis on which this process works itself."""

from collections.abc import Iterator

import pytest
import redis

from tests.tasks.simulated_recording import configure
from workers.process.app import app, connect
from workers.process.broker import redis_client
from workers.process.private_redis import PrivateRedis


@pytest.fixture(scope="session")
def private_redis() -> Iterator[PrivateRedis]:
    with PrivateRedis() as made:
        yield made


@pytest.fixture
def working_redis(private_redis, tmp_path) -> "Iterator[redis.Redis]":
    """A client of an empty Redis that tasks called in this process work on, simulated."""
    before = app.conf.facemirror
    configure(private_redis.url, tmp_path)
    with redis_client(private_redis.url) as made:
        made.flushall()
        yield made
    connect(before)
