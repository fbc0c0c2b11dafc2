"""A Redis on which this process works itself, and one with workers in processes of their own."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis

from tests.tasks.lab import Lab, fresh_dispatcher, laboratory
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


@pytest.fixture(scope="session")
def server(phantom_weights, tmp_path_factory) -> Iterator[Lab]:
    """A laboratory for all tests of a process: starting one takes a second."""
    with laboratory(phantom_weights, tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.fixture
def lab(server, tmp_path) -> Lab:
    """The laboratory with an empty Redis and an output folder of the test's own."""
    server.client.flushall()
    return replace(
        server,
        out=tmp_path / "out",
        log=tmp_path / "workers.log",
        dispatcher=fresh_dispatcher(server.server),
    )
