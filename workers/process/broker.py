"""The Redis that carries everything: reaching it, and refusing an open one."""

from urllib.parse import parse_qs, urlencode, urlsplit

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from workers.process.queues import ORDINARY

PRIORITY_SEPARATOR = "\x06\x16"  # kombu's, between a queue's name and a priority other than 0
IN_HAND = "unacked"  # kombu's hash of the messages that workers have taken and not finished

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class BrokerError(Exception):
    """Redis cannot or must not be used; the message says why and what to do."""


def with_checked_certificate(url: str) -> str:
    """The URL, which for rediss:// says that the server's certificate is checked.

    Celery asks for it to be said; whoever wants less must say so in the URL.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    if parts.scheme != "rediss" or "ssl_cert_reqs" in options:
        return url
    query = urlencode({**options, "ssl_cert_reqs": ["required"]}, doseq=True)
    return parts._replace(query=query).geturl()


def redis_client(url: str, retries: int = 6) -> "redis.Redis":
    """A client that rides out short interruptions. `url` is a Celery broker URL."""
    return redis.Redis.from_url(
        url.replace("redis+socket://", "unix://", 1),
        socket_timeout=30,
        socket_connect_timeout=5,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=2, base=0.1), retries),
    )


def impatient_client(url: str) -> "redis.Redis":
    """A client that answers or fails within seconds, for those who only ask how things are."""
    return redis.Redis.from_url(
        url.replace("redis+socket://", "unix://", 1),
        socket_timeout=3,
        socket_connect_timeout=3,
        retry=Retry(NoBackoff(), 0),
    )


def require_reachable(url: str) -> None:
    """Raises BrokerError unless a Redis answers there."""
    try:
        with redis.Redis.from_url(
            url.replace("redis+socket://", "unix://", 1), socket_timeout=5, socket_connect_timeout=5
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise BrokerError(
            f"no Redis answers at {without_password(url)} ({error}): "
            "check the address and that the server is running"
        ) from error


def require_guarded(url: str) -> None:
    """Raises BrokerError for a Redis beyond this machine without password or TLS."""
    parts = urlsplit(url)
    local = parts.scheme in ("redis+socket", "unix") or parts.hostname in LOOPBACK
    if not local and parts.scheme != "rediss" and not parts.password:
        raise BrokerError(
            f"the Redis at {without_password(url)} is not on this machine and has no password: "
            "patients' pictures would be open to the network. Give it a password "
            "(redis://:PASSWORD@HOST:6379/0) or use rediss://"
        )


def require_usable(url: str, insecure: bool = False) -> None:
    """Raises BrokerError unless a Redis answers there that is guarded, or may be open."""
    if not insecure:
        require_guarded(url)
    require_reachable(url)


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}:***@{host}").geturl()


def text(value: object) -> str:
    """A name that Redis gave, as text."""
    return value.decode() if isinstance(value, bytes) else str(value)


def queue_length(client: "redis.Redis", queue: str) -> int:
    """How many messages wait on a queue, of whatever priority."""
    ordinary = f"{queue}{PRIORITY_SEPARATOR}{ORDINARY}"
    return int(client.llen(queue)) + int(client.llen(ordinary))


def messages_in_hand(client: "redis.Redis") -> int:
    """How many messages workers have taken and not finished."""
    return int(client.hlen(IN_HAND))
