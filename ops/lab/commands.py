"""`facemirror worker`, `server` and `health`: the standing processes of a lab."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ops.broker_options import BrokerUrl, Insecure
from ops.errors import FAILED, spoken_errors
from ops.run_options import FITTING, Encoder, EncoderOption, Precision, PrecisionOption
from ops.terminal.console import terminal
from weights.manifest import DEMO, DEMO_FOLDER, default_folder

Log = Annotated[Path | None, typer.Option(help="Write the log into this file.")]
Name = Annotated[
    str | None,
    typer.Option(help="What Flower shows after the @.", show_default="this machine's name"),
]


class WorkerProvider(StrEnum):
    """What runs the models of a worker."""

    auto = "auto"
    coreml = "coreml"
    cuda = "cuda"
    cpu = "cpu"
    simulated = "simulated"


class Standing(StrEnum):
    """What can be asked how it is."""

    server = "server"
    worker = "worker"


def worker(
    broker: BrokerUrl,
    provider: Annotated[
        WorkerProvider,
        typer.Option(
            help="What runs the models: coreml, cuda or cpu; auto: the fastest that is right; "
            "simulated: nothing does, for trying the queue.",
            envvar="FACEMIRROR_PROVIDER",
            metavar="NAME",
        ),
    ] = WorkerProvider.auto,
    precision: PrecisionOption = Precision.any,
    encoder: EncoderOption = Encoder.auto,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Worker processes.", show_default=FITTING, metavar="COUNT"),
    ] = None,
    queues: Annotated[
        str, typer.Option(help="Queues to read, as submit --queue names them.")
    ] = "analyze",
    weights: Annotated[
        Path | None,
        typer.Option(help="Folder of converted models.", envvar="FACEMIRROR_WEIGHTS"),
    ] = None,
    name: Name = None,
    log: Log = None,
    simulated_seconds: Annotated[
        float,
        typer.Option(
            help="What a simulated session takes a frame.", envvar="FACEMIRROR_SIMULATED_SECONDS"
        ),
    ] = 0.0,
    install_launchd: Annotated[
        bool,
        typer.Option(
            "--install-launchd", help="On a Mac: start this worker at every login, from now on."
        ),
    ] = False,
    insecure: Insecure = False,
) -> None:
    """Let this machine analyse chunks for a lab.

    The first Ctrl-C or SIGTERM finishes what is in hand, the second stops at once.
    """
    console = terminal(stderr=True)
    with spoken_errors(console, stays=True):
        from ops.lab.worker import WorkerOptions, install_launch_agent, work
        from ops.pool_names import pool_names

        demo = str(weights) == DEMO
        options = WorkerOptions(
            broker=broker,
            weights=DEMO_FOLDER if demo else weights or default_folder(),
            provider=provider.value,
            precision=precision.value,
            encoder=encoder.value,
            workers=workers,
            pools=pool_names(queues),
            name=name,
            log=log,
            insecure=insecure,
            simulated_seconds=simulated_seconds,
        )
        if install_launchd:
            install_launch_agent(options, console)
        else:
            work(options, console)


def server(
    broker: BrokerUrl,
    redis_budget: Annotated[
        str, typer.Option(help="Most bytes of recordings and results on Redis at a time.")
    ] = "1GiB",
    files_workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes that read recordings and write outputs.",
            envvar="FACEMIRROR_FILES_WORKERS",
            show_default="cores + 1, at most 4",
            metavar="COUNT",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Answer Prometheus there, such as 127.0.0.1:9540.", metavar="ADDRESS:PORT"
        ),
    ] = None,
    name: Name = None,
    log: Log = None,
    insecure: Insecure = False,
) -> None:
    """Read recordings, feed the workers and write outputs, for every study on a Redis.

    Runs where the recordings and the output folders are. Ctrl-C or SIGTERM stops it; what is on
    its way goes on at the next start.
    """
    console = terminal(stderr=True)
    with spoken_errors(console, stays=True):
        from ops.lab.byte_sizes import parse_bytes
        from ops.lab.metrics import parse_address
        from ops.lab.server import ServerOptions, serve

        options = ServerOptions(
            broker=broker,
            redis_budget=parse_bytes(redis_budget),
            metrics=None if metrics is None else parse_address(metrics),
            files_workers=files_workers,
            name=name,
            log=log,
            insecure=insecure,
        )
        serve(options, console)


def health(
    process: Annotated[Standing, typer.Argument(help="What to look at.")],
    broker: BrokerUrl,
    name: Name = None,
) -> None:
    """Whether this machine's server or worker does its work.

    Exit status: 0 it is well, 1 it is off, hangs or does not reach Redis.
    """
    with spoken_errors(terminal(stderr=True)):
        import socket

        from ops.lab.health import server_trouble, worker_trouble
        from workers.process.broker import impatient_client

        host = name or socket.gethostname().partition(".")[0]
        look = server_trouble if process is Standing.server else worker_trouble
        with impatient_client(broker) as client:
            trouble = look(client, host)
        typer.echo(trouble or f"the {process.value} on {host} is well")
        if trouble:
            raise typer.Exit(FAILED)
