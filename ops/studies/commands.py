"""`facemirror submit`, `status`, `cancel`, `retry` and `studies`."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from ops.broker_options import BrokerUrl, Insecure
from ops.errors import FAILED, spoken_errors
from ops.run_options import (
    AuLabels,
    AuLabelsOption,
    Aus,
    AusOption,
    DebugVideoOption,
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
from ops.terminal.console import terminal
from weights.manifest import DEMO, DEMO_FOLDER, default_folder

WATCH_SECONDS = 1.0


class StudyProvider(StrEnum):
    """What may run a study's models."""

    any = "any"
    coreml = "coreml"
    cuda = "cuda"
    cpu = "cpu"
    simulated = "simulated"


class Urgency(StrEnum):
    """Whether a study goes before others."""

    normal = "normal"
    high = "high"


StudyArgument = Annotated[
    str | None, typer.Argument(help="The study's id or name.", show_default="the newest")
]

NamedStudy = Annotated[str, typer.Argument(help="The study's id or name.")]


def submit(
    recordings: Annotated[
        list[Path],
        typer.Argument(help="Recordings, folders of them, or CSV lists with settings for each."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the outputs, one subfolder a recording.")],
    broker: BrokerUrl,
    name: Annotated[str | None, typer.Option(help="What to call the study.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay and show how it goes.")] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the models that workers must have; 'demo': for drawn faces only.",
            envvar="FACEMIRROR_WEIGHTS",
        ),
    ] = None,
    aus: AusOption = Aus.openface3,
    faces: FacesOption = Faces.mirrored,
    landmarks: LandmarksOption = None,
    smoothing: SmoothingOption = Smoothing.none,
    au_labels: AuLabelsOption = AuLabels.openface3,
    flip: FlipOption = False,
    fast: FastOption = False,
    debug_video: DebugVideoOption = False,
    rest: RestOption = None,
    provider: Annotated[
        StudyProvider,
        typer.Option(help="What must run the models; any: what takes a recording's first chunk."),
    ] = StudyProvider.any,
    precision: PrecisionOption = Precision.any,
    mix_providers: Annotated[
        bool,
        typer.Option("--mix-providers", help="Unlike workers may share a recording."),
    ] = False,
    priority: Annotated[Urgency, typer.Option(help="high overtakes.")] = Urgency.normal,
    queue: Annotated[
        str, typer.Option(help="Only workers that read this queue (worker --queues).")
    ] = "analyze",
    pseudonymize: Annotated[
        bool, typer.Option("--pseudonymize", help="Names stay on this machine.")
    ] = False,
    force: ForceOption = False,
    insecure: Insecure = False,
) -> None:
    """Make a study of recordings; says its id and ends at once."""
    console = terminal(stderr=True)
    with spoken_errors(console):
        from ops.analysis_choices import chosen_analysis, chosen_rest
        from ops.pool_names import pool_name
        from ops.studies.requests import study_requests
        from ops.studies.submission import StudyOptions
        from ops.studies.submission import submit as submit_study
        from tasks.messages import NamedProvider, RunSettings
        from workers.process.broker import redis_client, require_usable

        demo = str(weights) == DEMO
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
        settings = RunSettings(analysis=analysis, au_labels=au_labels.value, rest=chosen_rest(rest))
        folder = DEMO_FOLDER if demo else weights or default_folder()
        requests = study_requests(
            recordings, settings, priority.value, folder, precision.value, demo, console
        )
        require_usable(broker, insecure)
        options = StudyOptions(
            out=out,
            name=name,
            provider=cast(NamedProvider, provider.value) if provider.value != "any" else None,
            precision=precision.value,
            mix_providers=mix_providers,
            pool=pool_name(queue),
            pseudonymize=pseudonymize,
            anew=force,
        )
        study = submit_study(redis_client(broker), requests, options)
        typer.echo(study.id)
        if watch:
            _watch(broker, study.id, console)


def status(
    broker: BrokerUrl,
    study: StudyArgument = None,
    watch: Annotated[bool, typer.Option("--watch", help="Stay until it has ended.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
    insecure: Insecure = False,
) -> None:
    """How a study is: done, running, waiting, failed; speed, time left, who works on what.

    Exit status: 1 where a recording failed.
    """
    console = terminal()
    with spoken_errors(terminal(stderr=True)):
        from ops.studies.status import read_status, render, status_json
        from tasks.studies import find_study
        from workers.process.broker import redis_client, require_usable

        require_usable(broker, insecure)
        client = redis_client(broker)
        store = find_study(client, study)
        if watch:
            _watch(broker, store.id, console)
            return
        found = read_status(client, store)
        if as_json:
            typer.echo(status_json(found).decode())
        else:
            console.print(render(found))
        if found.count("failed"):
            raise typer.Exit(FAILED)


def cancel(study: NamedStudy, broker: BrokerUrl, insecure: Insecure = False) -> None:
    """End a study: what is finished stays, nothing else of it stays on Redis."""
    with spoken_errors(terminal(stderr=True)):
        from tasks.studies import find_study
        from workers.process.broker import redis_client, require_usable

        require_usable(broker, insecure)
        store = find_study(redis_client(broker), study)
        typer.echo(f"{store.id}: {store.cancel()} recordings cancelled")


def retry(
    study: NamedStudy,
    broker: BrokerUrl,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what failed, not what was cancelled.")
    ] = False,
    insecure: Insecure = False,
) -> None:
    """Do again what failed or was cancelled in a study."""
    with spoken_errors(terminal(stderr=True)):
        from tasks.studies import find_study
        from workers.process.broker import redis_client, require_usable

        require_usable(broker, insecure)
        store = find_study(redis_client(broker), study)
        statuses = frozenset({"failed"} if failed else {"failed", "cancelled"})
        typer.echo(f"{store.id}: {len(store.retry(statuses))} recordings wait again")


def studies(broker: BrokerUrl, insecure: Insecure = False) -> None:
    """List the studies that this Redis remembers (30 days), oldest first."""
    with spoken_errors(terminal(stderr=True)):
        from ops.studies.status import STATES, read_status
        from tasks.studies import all_studies
        from workers.process.broker import redis_client, require_usable

        require_usable(broker, insecure)
        client = redis_client(broker)
        table = Table(box=None, pad_edge=False)
        for heading in ("study", "name", "made", "recordings", ""):
            table.add_column(heading, overflow="fold")
        for store in all_studies(client):
            study = store.study()
            made = time.strftime("%Y-%m-%d %H:%M", time.localtime(study.created if study else 0))
            found = read_status(client, store)
            counts = ", ".join(f"{found.count(s)} {s}" for s in STATES if found.count(s))
            table.add_row(found.id, found.name, made, str(len(found.recordings)), counts)
        terminal().print(table)


def _watch(broker: str, study: str, console: Console) -> None:
    """Show a study until it has ended; leaves it alone when interrupted."""
    from ops.studies.status import read_status, render
    from tasks.studies import find_study
    from workers.process.broker import redis_client

    client = redis_client(broker)
    store = find_study(client, study)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            found = read_status(client, store)
            live.update(render(found), refresh=True)
            if found.ended:
                break
            time.sleep(WATCH_SECONDS)
    if found.count("failed"):
        raise typer.Exit(FAILED)
