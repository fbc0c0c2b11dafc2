"""The Redis that carries everything: reaching it, and refusing an open one."""

from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, unquote, urlencode, urlsplit

import redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

from workers.process.queues import ORDINARY

PRIORITY_SEPARATOR = "\x06\x16"  # kombu's, between a queue's name and a priority other than 0
IN_HAND = "unacked"  # kombu's hash of the messages that workers have taken and not finished

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SOCKETS = ("redis+socket", "unix")


class BrokerError(Exception):
    """Redis cannot or must not be used; the message says why and what to do."""


def with_checked_certificate(url: str) -> str:
    """The URL, which for rediss:// says that the server's certificate is checked.

    Celery asks for it to be said; whoever wants less must say so in the URL. One that cannot be
    read is left as it is: whoever uses it finds out.
    """
    try:
        parts = _parts(url)
    except BrokerError:
        return url
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


@lru_cache(maxsize=2)
def shared_client(url: str) -> "redis.Redis":
    """The same, for all tasks of a process: connecting takes four commands."""
    return redis_client(url)


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
    password = unquote(_parts(url).password or "")
    try:
        with redis.Redis.from_url(
            url.replace("redis+socket://", "unix://", 1), socket_timeout=5, socket_connect_timeout=5
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        # A server that does not know AUTH repeats what it was given.
        said = str(error).replace(password, "***") if password else str(error)
        raise BrokerError(
            f"no Redis answers at {without_password(url)} ({said}): "
            "check the address and that the server is running"
        ) from None


def require_guarded(url: str) -> None:
    """Raises BrokerError for a Redis beyond this machine without password or TLS."""
    parts = _parts(url)
    local = parts.scheme in SOCKETS or parts.hostname in LOOPBACK
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
    """The URL as it may be shown: without password and options."""
    try:
        parts = _parts(url)
    except BrokerError:
        return "an address that cannot be read"
    _, at, host = parts.netloc.rpartition("@")
    user = "" if parts.password is None else f"{parts.username or ''}:"  # else it is no user
    shown = f"{user}***@{host}" if at else host
    return f"{parts.scheme}://{shown}{parts.path}"


def _parts(url: str) -> SplitResult:
    """A URL's parts. Raises BrokerError where it is none of a Redis, without repeating any of it: a
    password with signs that URLs keep for themselves may stand anywhere in what is left."""
    try:
        parts = urlsplit(url)
        readable = "#" not in url and _is_redis(parts)
    except ValueError:
        readable = False
    if not readable:
        raise BrokerError(
            "the Redis's address cannot be read, and is not shown for the password in it: write "
            "redis://:PASSWORD@HOST:6379/0, and in the password %23 for #, %2F for /, %3F for ?, "
            "%40 for @, %5B for [, %25 for %"
        )
    return parts


def _is_redis(parts: SplitResult) -> bool:
    """Raises ValueError where the port is no number."""
    if {"password", "username"} & parse_qs(parts.query).keys():
        return False  # Celery reads them before the @ only
    if parts.scheme in SOCKETS:
        return parts.port is None and bool(parts.path)
    after_host = parts.path + parts.query
    return (
        parts.scheme in ("redis", "rediss")
        and bool(parts.hostname)
        and parts.port != 0
        and "@" not in after_host
        and (parts.path in ("", "/") or parts.path[1:].isdigit())
    )


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
