"""Options of every command that talks to a shared Redis."""

from typing import Annotated

import typer

REDIS = "The shared Redis"

BrokerUrl = Annotated[
    str,
    typer.Option(
        "--broker",
        envvar="FACEMIRROR_BROKER",
        show_envvar=True,
        metavar="URL",
        help="The Redis, such as redis://:PASSWORD@HOST:6379/0 or rediss://USER:PASSWORD@HOST:6379/0.",
        rich_help_panel=REDIS,
    ),
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Even if the Redis is open to the network without a password.",
        rich_help_panel=REDIS,
    ),
]
