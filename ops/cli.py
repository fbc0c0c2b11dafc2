"""The `facemirror` command."""

import signal
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from ops import weights_commands
from ops.doctor.command import doctor
from ops.errors import FAILED, Stopped, spoken_errors
from ops.lab import commands as lab
from ops.lab.flower_command import flower
from ops.run_options import (
    FITTING,
    AuLabels,
    AuLabelsOption,
    Aus,
    AusOption,
    DebugVideoOption,
    Encoder,
    EncoderOption,
    Faces,
    FacesOption,
    FastOption,
    FlipOption,
    ForceOption,
    LandmarksOption,
    Precision,
    PrecisionOption,
    RestOption,
    Smoothing,
    SmoothingOption,
)
from ops.studies import commands as studies
from ops.terminal.console import terminal
from ops.terminal.examples import examples
from weights.manifest import DEMO, DEMO_FOLDER, default_folder

ONE_MACHINE, STUDIES, LAB = "One machine", "Studies on a shared Redis", "A lab's machines"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(weights_commands.app, name="weights", rich_help_panel=ONE_MACHINE)

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Provider(StrEnum):
    """What runs the models."""

    auto = "auto"
    coreml = "coreml"
    cuda = "cuda"
    cpu = "cpu"


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"facemirror {version('facemirror')}")
        raise typer.Exit


@app.callback()
def facemirror(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Say the version and end."
        ),
    ] = False,
) -> None:
    """Mirrored videos and action units from recordings of facial exercises."""


@app.command(epilog=examples("run"), rich_help_panel=ONE_MACHINE)
def run(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the outputs, one subfolder a recording.")],
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder of converted models; 'demo': small ones that read drawn faces only.",
            envvar="FACEMIRROR_WEIGHTS",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes.", show_default=FITTING)
    ] = None,
    provider: Annotated[Provider, typer.Option(help="What runs the models.")] = Provider.auto,
    precision: PrecisionOption = Precision.any,
    encoder: EncoderOption = Encoder.auto,
    aus: AusOption = Aus.openface3,
    faces: FacesOption = Faces.mirrored,
    landmarks: LandmarksOption = None,
    smoothing: SmoothingOption = Smoothing.none,
    au_labels: AuLabelsOption = AuLabels.openface3,
    chunk_frames: Annotated[
        int | None,
        typer.Option(min=1, help="Frames in a chunk, about.", show_default="100 or fewer"),
    ] = None,
    debug_video: DebugVideoOption = False,
    flip: FlipOption = False,
    fast: FastOption = False,
    force: ForceOption = False,
    rest: RestOption = None,
    broker: Annotated[
        str | None, typer.Option(help="Use this Redis and the workers on it.", metavar="URL")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="Keep the workers' log in this file.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
) -> None:
    """Turn recordings into mirrored videos and AU tables.

    Exit status: 0 all done, 1 some recordings failed, 2 nothing could be run as asked.
    """
    from ops.analysis_choices import chosen_analysis, chosen_rest
    from ops.run import RunOptions
    from ops.run import run as run_recordings
    from tasks.messages import RunSettings

    console = terminal(stderr=True)
    with spoken_errors(console):
        analysis = chosen_analysis(
            landmarks=None if landmarks is None else landmarks.value,
            aus=aus.value,
            faces=faces.value,
            smoothing=smoothing.value,
            au_labels=au_labels.value,
            flip=flip,
            debug_video=debug_video,
            fast=fast,
        )
        at_rest = chosen_rest(rest)
    demo = str(weights) == DEMO
    options = RunOptions(
        out=out,
        weights=DEMO_FOLDER if demo else weights or default_folder(),
        settings=RunSettings(
            analysis=analysis,
            au_labels=au_labels.value,
            chunk_frames=chunk_frames,
            rest=at_rest,
        ),
        workers=workers,
        provider=provider.value,
        precision=precision.value,
        encoder=encoder.value,
        broker=broker,
        log=log,
        quiet=quiet,
        demo=demo,
        force=force,
    )
    with spoken_errors(console):
        failed = run_recordings(recordings, options, console)
    if failed:
        raise typer.Exit(FAILED)


@app.command(epilog=examples("demo"), rich_help_panel=ONE_MACHINE)
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the recording and its outputs.")] = Path(
        "facemirror-demo"
    ),
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes.", show_default=FITTING)
    ] = None,
    provider: Annotated[Provider, typer.Option(help="What runs the models.")] = Provider.auto,
    left: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How far the patient's left side moves.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of the patient's looks and the room's.")] = 7,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the table.")] = False,
) -> None:
    """Check this machine: a drawn patient, the whole way, true against measured movements."""
    from ops.demo import demo as run_demo
    from ops.run import RunOptions
    from tasks.messages import RunSettings
    from workers.chunk.order import AnalysisSettings

    options = RunOptions(
        out=out,
        weights=DEMO_FOLDER,
        settings=RunSettings(analysis=AnalysisSettings()),
        workers=workers,
        provider=provider.value,
        quiet=quiet,
        demo=True,
    )
    console = terminal(stderr=True)
    with spoken_errors(console):
        failed = run_demo(options, left, seed, console)
    if failed:
        raise typer.Exit(FAILED)


@app.command(epilog=examples("tune"), rich_help_panel=ONE_MACHINE)
def tune(
    recording: Annotated[
        Path | None,
        typer.Argument(help="To measure on, with a face in every frame.", show_default="drawn"),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder of converted models; 'demo': the small ones.",
            envvar="FACEMIRROR_WEIGHTS",
        ),
    ] = None,
    provider: Annotated[Provider, typer.Option(help="What runs the models.")] = Provider.auto,
    aus: AusOption = Aus.openface3,
    landmarks: LandmarksOption = None,
) -> None:
    """Find how many workers are the fastest here, and which encoder. Takes a minute or two.

    run and worker use what was found where --workers or --encoder is not given. It changes no
    number.
    """
    from ops.analysis_choices import DEFAULT_LANDMARKS, require_compatible
    from ops.tuning.command import TuneOptions
    from ops.tuning.command import tune as run_tune
    from workers.chunk.order import AnalysisSettings

    console = terminal(stderr=True)
    with spoken_errors(console):
        chosen = DEFAULT_LANDMARKS[aus.value] if landmarks is None else landmarks.value
        analysis = AnalysisSettings(landmarks=chosen, aus=aus.value)
        require_compatible(analysis, "openface3")
        demo = str(weights) == DEMO
        options = TuneOptions(
            weights=DEMO_FOLDER if demo else (weights or default_folder()).absolute(),
            analysis=analysis,
            provider=provider.value,
            recording=recording,
        )
        run_tune(options, console)


for command, panel in (
    (doctor, ONE_MACHINE),
    (studies.submit, STUDIES),
    (studies.status, STUDIES),
    (studies.cancel, STUDIES),
    (studies.retry, STUDIES),
    (studies.studies, STUDIES),
    (lab.server, LAB),
    (lab.worker, LAB),
    (lab.health, LAB),
    (flower, LAB),
):
    app.command(epilog=examples(command.__name__), rich_help_panel=panel)(command)


def main() -> None:
    """Run the command line."""
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    app()


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    """Every ending cleans up, once: a second Ctrl-C must not cut the cleaning short."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped if signum == signal.SIGTERM else KeyboardInterrupt
