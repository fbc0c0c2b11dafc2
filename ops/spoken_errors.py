"""Errors that a person can mend, as one line and an exit status, without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from ops.run import RunError
from weights.manifest import WeightsError
from workers.broker import BrokerError
from workers.launcher import LauncherError
from workers.providers import ProviderError

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


@contextmanager
def spoken_errors(console: Console) -> Iterator[None]:
    """Say what went wrong inside and exit with the status that fits."""
    try:
        yield
    except (RunError, WeightsError, ProviderError, BrokerError, LauncherError) as error:
        line = f"facemirror: {error}"
        console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(WRONG_USE) from error
    except KeyboardInterrupt:
        console.print("facemirror: stopped; finished recordings are kept", style="yellow")
        raise typer.Exit(INTERRUPTED) from None
