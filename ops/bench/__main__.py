"""Measure everything on this machine, in one run, and say it in one table.

    python -m ops.bench [RECORDING --weights DIR] [--beside "NAME=COMMAND"] [--only PART] [--quick]

Without a recording, the drawn patient and the demo models are measured: the whole way works so on
any machine, but its figures are those of small networks. Ratios are of figures of the same run that
took turns; machines are noisy, and absolute figures hold for this one.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console

from ops.bench.measuring.figures import Findings, as_json, as_markdown
from ops.bench.measuring.films import draw_phantom
from ops.bench.measuring.machine import this_machine
from ops.bench.measuring.setting import Setting
from ops.bench.parts import backends, clip, length, many_workers, sizes, speed
from ops.errors import FAILED, UsageError, spoken_errors
from ops.terminal.console import terminal
from weights.manifest import DEMO, DEMO_FOLDER, default_folder
from workers.session.providers import default_processes

Measure = Callable[[Setting, Findings], None]

PARTS: dict[str, Measure] = {
    backends.PART: backends.measure,
    speed.PART: speed.measure,
    clip.PART: clip.measure,
    sizes.PART: sizes.measure,
    length.PART: length.measure,
    many_workers.PART: many_workers.measure,
}

DRAWN_FRAMES, QUICK_DRAWN_FRAMES = 240, 30


def main(
    recording: Annotated[
        Path | None, typer.Argument(help="With a face in every frame.", show_default="drawn")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder of converted models.",
            envvar="FACEMIRROR_WEIGHTS",
            show_default="demo for a drawn recording",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(PARTS)}; more often for several.", metavar="PART"),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Of each run.", show_default="one a core")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often all take turns.")] = 2,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help="Another program, which prints a JSON line with frames_per_s.",
            metavar="NAME=COMMAND",
        ),
    ] = None,
    older: Annotated[
        Path | None, typer.Option(help="The facemirror command of another version.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="One round of few frames: whether all works.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write it as JSON.")] = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write it as Markdown, too.")
    ] = None,
) -> None:
    """Measure everything on this machine, in one run, and say it in one table.

    Exit status: 0 all was measured, 1 a part was not, and the table says why, 2 wrong use.
    """
    console = terminal(stderr=True)
    with spoken_errors(console):
        parts = _parts(only)
    with spoken_errors(console), tempfile.TemporaryDirectory() as folder:
        machine, findings = this_machine(), Findings()
        setting = Setting(
            recording=_recording(recording, Path(folder), quick),
            weights=_weights(weights, recording),
            workers=workers or _default_workers(),
            rounds=1 if quick else rounds,
            quick=quick,
            beside=dict(map(_named_command, beside or [])),
            older=None if older is None else _file(older),
            folder=Path(folder),
            say=_said_on(console),
        )
        failed = [name for name in parts if not _measured(name, setting, findings)]
        table = as_markdown(machine, findings)
        if json_file is not None:
            json_file.write_text(as_json(machine, findings), encoding="utf-8")
        if markdown_file is not None:
            markdown_file.write_text(table, encoding="utf-8")
        typer.echo(table)
    if failed:
        raise typer.Exit(FAILED)


def _measured(part: str, setting: Setting, findings: Findings) -> bool:
    """Measure a part; where that fails it is noted, and what others give is not lost."""
    try:
        PARTS[part](setting, findings)
    except (UsageError, OSError) as error:
        findings.note(f"'{part}' was not measured: {error}")
        return False
    return True


def _parts(only: list[str] | None) -> list[str]:
    unknown = set(only or []) - set(PARTS)
    if unknown:
        raise UsageError(f"--only {unknown.pop()}: choose from {', '.join(PARTS)}")
    return [name for name in PARTS if not only or name in only]


def _said_on(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(line, style="cyan", soft_wrap=True)


def _recording(given: Path | None, folder: Path, quick: bool) -> Path:
    if given is None:
        frames = QUICK_DRAWN_FRAMES if quick else DRAWN_FRAMES
        return draw_phantom(folder / "phantom.mp4", frames)
    return _file(given)


def _file(given: Path) -> Path:
    if not given.is_file():
        raise UsageError(f"{given}: there is no such file")
    return given.absolute()


def _weights(given: Path | None, recording: Path | None) -> Path:
    if str(given) == DEMO or (given is None and recording is None):
        return DEMO_FOLDER
    return (given or default_folder()).absolute()


def _default_workers() -> int:
    cores = psutil.cpu_count(logical=False) or 1
    return default_processes("cpu", cores, psutil.virtual_memory().total)


def _named_command(said: str) -> tuple[str, str]:
    name, equals, command = said.partition("=")
    if not (name and equals and command):
        raise UsageError(f"--beside '{said}': give a name and a command, like upstream=./run.sh")
    return name, command


if __name__ == "__main__":
    typer.run(main)
