"""Addresses of a Redis: what can be read, and that no password is ever shown."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
from kombu import Connection

from tests.ops.one_machine_lab import free_port
from workers.process.broker import (
    BrokerError,
    redis_client,
    require_guarded,
    require_reachable,
    require_usable,
    with_checked_certificate,
    without_password,
)
from workers.process.private_redis import find_server

UNREADABLE = [
    "redis://:s3cret#more@127.0.0.1:1/0",
    "redis://:s3cret/more@127.0.0.1:1/0",
    "redis://user:12/s3cret@127.0.0.1:1/0",
    "redis://:s3cret?more@127.0.0.1:1/0",
    "redis://user:12?s3cret@127.0.0.1:1/0",
    "redis://user:12#s3cret@127.0.0.1:1/0",
    "redis://:s3cret[more@127.0.0.1:1/0",
    "redis://:s3cret]more@127.0.0.1:1/0",
    "redis://[s3cret",
    "redis://:s3cret",
    "redis://:53",
    "redis://",
    "redis://:s3cret@127.0.0.1:99999/0",
    "redis://:s3cret@127.0.0.1:1/base",
    "redis://127.0.0.1:1/0?password=s3cret",
    "http://:s3cret@127.0.0.1:1/0",
    "s3cret",
    "",
]
HARD_PASSWORD = "a#b/c?d@e[f]g%h:i j"


@pytest.mark.parametrize("url", UNREADABLE)
@pytest.mark.parametrize("insecure", [False, True])
def test_an_address_that_cannot_be_read_is_one_line_that_shows_none_of_it(url, insecure):
    with pytest.raises(BrokerError, match=r"cannot be read.*%23 for #") as raised:
        require_usable(url, insecure)
    said = str(raised.value)
    assert "s3cret" not in said
    assert "\n" not in said
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("url", UNREADABLE)
def test_nothing_is_shown_of_it_elsewhere_either(url):
    assert without_password(url) == "an address that cannot be read"
    assert with_checked_certificate(url) == url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:s3cret@host:1/0", "redis://:***@host:1/0"),
        ("redis://me:s3cret@host:1/0", "redis://me:***@host:1/0"),
        ("redis://:s3@cret@host:1/0", "redis://:***@host:1/0"),
        ("redis://:s3cret%23@host:1/0", "redis://:***@host:1/0"),
        ("redis://s3cret@host:1/0", "redis://***@host:1/0"),
        ("rediss://me:s3cret@host:1/0?ssl_ca_certs=/ca.crt", "rediss://me:***@host:1/0"),
        ("redis://[::1]:1/0", "redis://[::1]:1/0"),
        (
            "redis+socket:///some/where@home/redis.sock",
            "redis+socket:///some/where@home/redis.sock",
        ),
        ("redis://host", "redis://host"),
    ],
)
def test_what_is_shown_of_an_address(url, shown):
    assert without_password(url) == shown
    assert "s3" not in shown


@contextmanager
def redis_server(folder: Path, *settings: str) -> Iterator[int]:
    """A Redis on this machine with these lines of configuration; gives its port."""
    port = free_port()
    configuration = folder / "redis.conf"
    configuration.write_text("\n".join((f"port {port}", "bind 127.0.0.1", 'save ""', *settings)))
    server = subprocess.Popen([find_server(), str(configuration)], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not listens(port):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        server.kill()
        server.wait()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_password_of_hard_signs_is_used_when_encoded_and_never_shown(tmp_path):
    with redis_server(tmp_path, f'requirepass "{HARD_PASSWORD}"') as port:
        url = f"redis://:{quote(HARD_PASSWORD, safe='')}@127.0.0.1:{port}/0"
        require_usable(url)
        assert redis_client(url).ping()
        assert Connection(url).password == HARD_PASSWORD  # Celery's
        with pytest.raises(BrokerError, match=rf"at redis://:\*\*\*@127.0.0.1:{port}/0") as raised:
            require_reachable(url.replace("@", "x@"))
        assert "b/c" not in str(raised.value)
        assert "b%2F" not in str(raised.value)


def test_a_server_that_repeats_the_password_does_not_make_us_show_it(tmp_path):
    """As one does that calls AUTH otherwise."""
    renamed = ("rename-command AUTH hidden", "rename-command HELLO hello2")
    with redis_server(tmp_path, *renamed) as port:
        with pytest.raises(redis.RedisError, match="s3cret"):
            redis.Redis(port=port, password="s3cret").ping()
        with pytest.raises(BrokerError, match="no Redis answers") as raised:
            require_reachable(f"redis://:s3cret@127.0.0.1:{port}/0")
        assert "s3cret" not in str(raised.value)


def test_a_redis_beyond_this_machine_is_named_without_its_options():
    with pytest.raises(BrokerError, match="the Redis at redis://lab-server:6379/0 is not on"):
        require_guarded("redis://lab-server:6379/0?ssl_ca_certs=x")
