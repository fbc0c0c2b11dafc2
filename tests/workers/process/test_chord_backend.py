"""Celery's results: chords are counted, and nobody is subscribed to anything."""

import pytest
from celery.app.backends import by_url

from workers.process.app import app
from workers.process.chord_backend import ChordBackend


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "redis+socket:///tmp/redis.sock"]
)
def test_whatever_the_brokers_address_is_the_backend_subscribes_to_nothing(url):
    backend, _ = by_url(url, app.loader)
    assert backend is ChordBackend
