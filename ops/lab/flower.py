"""Flower, the web page in which workers and their tasks are watched.

It is served from this process, not by `celery flower`, so that no password is in a command line,
metrics ask for one, too, and a port that is taken is one clear line.
"""

import logging
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import redis

from ops.errors import UsageError
from workers.process.broker import LOOPBACK, impatient_client

if TYPE_CHECKING:
    from flower.app import Flower

DAY = 24 * 3600
TASK_COLUMNS = "name,args,state,worker,runtime,result,received,uuid"
CHUNK_SECONDS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
"""Upper edges of the histogram of task times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowerPage:
    """Where Flower listens, which broker it shows, and who may look."""

    broker: str
    address: str
    port: int
    user: str
    password: str

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.address in LOOPBACK

    @property
    def url(self) -> str:
        """What to type into a browser on this machine."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"


def choose_password(given: str | None, file: Path | None) -> tuple[str, bool]:
    """The password, and whether it was made up here and has to be told.

    given: the password itself, if any; else the first line of `file`, if any. Raises UsageError
    where it is empty or has other characters than printable ASCII, OSError where the file cannot
    be read.
    """
    if given is None and file is None:
        return secrets.token_urlsafe(16), True
    if given is None and file is not None:
        given = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0].rstrip("\r")
    if not given or not (given.isascii() and given.isprintable()):
        raise UsageError(
            f"the password in {file or 'FACEMIRROR_FLOWER_PASSWORD'} is empty or has characters "
            "other than plain letters, digits and signs: choose another"
        )
    return given, False


def tls_options(broker: str) -> dict[str, str]:
    """The TLS options in a broker's URL, such as the certificate authority's file."""
    options = parse_qsl(urlsplit(broker).query)
    return {name: value for name, value in options if name.startswith("ssl_")}


def serve(page: FlowerPage) -> None:
    """Serve Flower until SIGINT or SIGTERM raises KeyboardInterrupt.

    Raises UsageError where the user's name cannot be used or the port is taken.
    """
    if not page.user or ":" in page.user or not page.user.isascii():
        raise UsageError(f"'{page.user}' cannot be a user's name: use plain letters, no colon")
    from workers.process.app import connect
    from workers.process.configuration import Configuration

    connect(replace(Configuration.from_environment(), broker=page.broker))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    # Warnings that are no faults: no worker is on; a browser asked before it was told the password.
    for everyday in ("flower.inspector", "tornado.access"):
        logging.getLogger(everyday).setLevel(logging.ERROR)
    flower = _application(page)
    try:
        flower.start_http_server()
    except OSError as error:
        raise UsageError(
            f"cannot listen on {page.address}, port {page.port} ({error.strerror}): "
            "choose another --port or --address"
        ) from error
    try:
        flower.start()
    except KeyboardInterrupt:
        return
    finally:
        flower.stop()


def _application(page: FlowerPage) -> "Flower":
    from flower.app import Flower
    from flower.options import options
    from flower.urls import settings
    from flower.views.monitor import Metrics
    from tornado.ioloop import IOLoop
    from tornado.web import RequestHandler, authenticated

    from workers.process.app import app

    class GuardedMetrics(Metrics):  # type: ignore[misc]
        """They name workers: behind the password, like the pages."""

        get = authenticated(Metrics.get)

    class Health(RequestHandler):
        """Open to all; a page that cannot reach Redis shows the past only."""

        async def get(self) -> None:
            answers = await IOLoop.current().run_in_executor(None, _answers, page.broker)
            self.set_status(200 if answers else 503)
            self.finish("OK" if answers else "Redis does not answer")

    chosen = {
        "address": page.address,
        "port": page.port,
        "basic_auth": [f"{page.user}:{page.password}"],
        # A task that is revoked here, or sent from here, would be missing in its recording.
        "read_only": True,
        "inspect_timeout": 5000.0,  # ms
        "purge_offline_workers": DAY,
        "tasks_columns": TASK_COLUMNS,
        "task_runtime_metric_buckets": [float(edge) for edge in CHUNK_SECONDS],
    }
    for name, value in chosen.items():
        setattr(options, name, value)
    # Flower's page of queues does not read TLS options in the URL, as everything else does.
    app.conf.broker_use_ssl = tls_options(page.broker)
    flower = Flower(capp=app, options=options, **settings)
    flower.add_handlers(".*", [(r"/metrics", GuardedMetrics), (r"/healthcheck", Health)])
    return flower


def _answers(broker: str) -> bool:
    try:
        with impatient_client(broker) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
