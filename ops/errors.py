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

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


class UsageError(Exception):
    """Nothing can be run as asked; the message says why and what to do."""


@contextmanager
def spoken_errors(console: Console) -> Iterator[None]:
    """Say what went wrong inside and exit with the status that fits."""

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
    ) as error:
        raise say(str(error), WRONG_USE) from error
    except (RedisError, OperationalError) as error:
        kept = "finished recordings are kept"
        raise say(f"Redis stopped answering ({error}); {kept}", FAILED) from error
    except OSError as error:
        raise say(str(error), WRONG_USE) from error
    except KeyboardInterrupt:
        raise say("stopped; finished recordings are kept", INTERRUPTED) from None
