"""Whether a lab's standing process does its work: for containers, which ask, and for people.

Both halves of a process are looked at: the command itself keeps its place on Redis from its main
loop (ops.lab.place), and the Celery worker that it started says that it is there.
"""

import redis

from ops.lab.place import SERVER_KEY, holder, name_key
from ops.lab.server import SERVER_NAME
from ops.lab.worker import WORKER_NAME
from workers.process.presence import present_workers


def server_trouble(client: "redis.Redis", host: str) -> str | None:
    """What is wrong with the server on a machine, in one line; None where it is well."""
    here = holder(client, SERVER_KEY)
    if here is None:
        return "no server looks after this Redis: it is off, or it hangs"
    if here != host:
        return f"the server of this Redis is on {here}, not on {host}"
    return _silence(client, f"{SERVER_NAME}@{host}")


def worker_trouble(client: "redis.Redis", name: str) -> str | None:
    """What is wrong with the worker that is called so, in one line; None where it is well."""
    if holder(client, name_key(name)) is None:
        return f"no worker keeps the name '{name}': it is off, or it hangs"
    return _silence(client, f"{WORKER_NAME}@{name}")


def _silence(client: "redis.Redis", name: str) -> str | None:
    if any(worker.name == name for worker in present_workers(client)):
        return None
    return f"{name} is silent: it is starting, or it hangs"
