"""The person's terminal."""

from rich.console import Console


def terminal(*, stderr: bool = False) -> Console:
    """A console that prints names as they are: `P1[left].mov` is no markup, `:smile:` no emoji."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
