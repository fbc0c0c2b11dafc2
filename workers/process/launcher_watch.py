"""Stopping a worker whose launcher is gone, so that none is left behind by a killed command."""

import os
import threading
import time
from contextlib import suppress
from typing import Any

import psutil
from celery.signals import worker_init
from celery.utils.log import get_logger

from workers.process.configuration import Configuration

logger = get_logger(__name__)

WATCH_SECONDS = 1.0


@worker_init.connect  # type: ignore[untyped-decorator]
def start_watch(sender: Any, **_: Any) -> None:
    """Watch in a thread, from the start: the worker's own timers stop while its broker does not
    answer, and where it never answers the worker is never ready."""
    configuration = sender.app.conf.facemirror
    if configuration.launcher is not None:
        threading.Thread(target=_watch, args=(configuration,), daemon=True).start()


def _watch(configuration: Configuration) -> None:
    while configuration.launcher is None or psutil.pid_exists(configuration.launcher):
        time.sleep(WATCH_SECONDS)
    logger.warning("the command that started this worker is gone: stopping")
    orphans = psutil.Process().children(recursive=True)
    if configuration.private_server is not None:
        with suppress(psutil.NoSuchProcess):  # another worker was faster
            orphans.append(psutil.Process(configuration.private_server))
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.kill()
    os._exit(1)
