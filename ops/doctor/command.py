"""`facemirror doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from ops.errors import FAILED, spoken_errors
from ops.terminal.console import terminal
from weights.manifest import DEMO, DEMO_FOLDER, default_folder


def doctor(
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder of converted models; 'demo': the small ones that come along.",
            envvar="FACEMIRROR_WEIGHTS",
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Try anew what runs the models, and remember that.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """How this machine is: versions, what runs the models, weights, what is missing.

    Where there is more than the CPU to run models, it tries what is right and fastest, unless that
    is known; on a Mac it asks Core ML which device takes each operation.

    Exit status: 0 it can analyse, 1 something is missing or wrong.
    """
    console = terminal(stderr=True)
    with spoken_errors(console):
        import msgspec

        from ops.doctor.examination import Patient, examine
        from ops.doctor.page import page
        from workers.process.configuration import default_compiled

        def say(line: str) -> None:
            console.print(line, style="dim", soft_wrap=True)

        folder = DEMO_FOLDER if str(weights) == DEMO else weights or default_folder()
        patient = Patient(weights=folder, compiled=default_compiled(), anew=anew)
        found = examine(patient, say)
        if as_json:
            content = {**msgspec.to_builtins(found), "well": found.well}
            typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2))
        else:
            terminal().print(page(found))
    if not found.well:
        raise typer.Exit(FAILED)
