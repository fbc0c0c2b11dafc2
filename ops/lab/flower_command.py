"""The command `facemirror flower`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from ops.broker_options import BrokerUrl, Insecure
from ops.errors import spoken_errors
from ops.terminal.console import terminal

PASSWORD_VARIABLE = "FACEMIRROR_FLOWER_PASSWORD"


def flower(
    broker: BrokerUrl,
    address: Annotated[
        str, typer.Option(help="Listen on this address; 0.0.0.0: on all.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Listen on this port.", metavar="PORT")
    ] = 5555,
    user: Annotated[str, typer.Option(help="The name to log in with.")] = "lab",
    password_file: Annotated[
        Path | None,
        typer.Option(
            help="File whose first line is the password.",
            show_default=f"${PASSWORD_VARIABLE}, else one is made up and printed",
        ),
    ] = None,
    insecure: Insecure = False,
) -> None:
    """Watch workers and tasks in a browser."""
    console = terminal()
    with spoken_errors(terminal(stderr=True), stays=True):
        from ops.lab.flower import FlowerPage, choose_password, serve
        from workers.process.broker import require_usable, without_password

        given = None if password_file else os.environ.get(PASSWORD_VARIABLE)
        password, made_up = choose_password(given, password_file)
        require_usable(broker, insecure)
        page = FlowerPage(broker=broker, address=address, port=port, user=user, password=password)
        console.print(
            f"Flower at {page.url} shows {without_password(broker)}. Log in as '{user}'",
            soft_wrap=True,
        )
        if made_up:
            console.print(f"password, shown only now: {password}", soft_wrap=True)
        if not page.loopback:
            console.print(
                "others on the network reach this page, and it is not encrypted", soft_wrap=True
            )
        serve(page)
