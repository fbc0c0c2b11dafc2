"""Errors that a person can mend, as one line and an exit status, without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from kombu.exceptions import OperationalError
from redis import RedisError
from rich.console import Console

from tasks.register import RegisterError
from tasks.studies import StudyError
from weights.manifest import WeightsError
from workers.process.broker import BrokerError
from workers.process.launcher import LauncherError
from workers.session.providers import ProviderError
from workers.video.writing.encoders import EncoderError

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


class UsageError(Exception):
    """Nothing can be run as asked; the message says why and what to do."""


class Stopped(KeyboardInterrupt):
    """SIGTERM: a service manager, or the system that shuts down, asks the command to end."""


@contextmanager
def spoken_errors(console: Console, stays: bool = False) -> Iterator[None]:
    """Say what went wrong inside and exit with the status that fits.

    stays: the command runs until it is told to end, so that SIGTERM is its proper end (status 0).
    """

    def say(line: str, status: int) -> typer.Exit:
        said = f"facemirror: {line}"
        console.print(said, style="red", soft_wrap=True)
        return typer.Exit(status)

    try:
        yield
    except (
        UsageError,
        StudyError,
        RegisterError,
        WeightsError,
        ProviderError,
        BrokerError,
        LauncherError,
        EncoderError,
    ) as error:
        raise say(str(error), WRONG_USE) from error
    except (RedisError, OperationalError) as error:
        kept = "finished recordings are kept"
        raise say(f"Redis stopped answering ({error}); {kept}", FAILED) from error
    except OSError as error:
        raise say(str(error), WRONG_USE) from error
    except KeyboardInterrupt as ending:
        proper = stays and isinstance(ending, Stopped)
        said = "stopped; finished recordings are kept"
        raise say(said, 0 if proper else INTERRUPTED) from None
