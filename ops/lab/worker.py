"""`facemirror worker`: this machine analyses chunks of whatever studies its weights fit."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Literal

import redis
from rich.console import Console

from ops.errors import Stopped
from ops.lab.launch_agent import install
from ops.lab.not_served import ModelSets, Served, say_what_is_not_served
from ops.lab.place import Place, name_key, only_holder, words_on_name
from ops.tuning.kept_choice import Circumstances, encoder_for, processes_for
from weights.manifest import WeightsError
from workers.process.app import connect
from workers.process.arithmetic import arithmetic
from workers.process.broker import (
    impatient_client,
    require_usable,
    without_password,
)
from workers.process.configuration import Configuration, default_compiled
from workers.process.launcher import WorkerPost, Workers
from workers.process.queues import served_queues
from workers.session.backends import SIMULATED_BACKEND, Backend, PrecisionChoice
from workers.session.needed_models import LANDMARKS_AND_AUS, check_precision, check_weights
from workers.session.providers import ProviderChoice
from workers.session.trial.choice import Wish, choose_backend
from workers.session.trial.figures import Trial
from workers.video.writing.encoders import Encoder, EncoderChoice, choose_encoder

TEND_SECONDS = 0.5
STUDIES_SECONDS = 10.0
WORKER_NAME = "facemirror"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What the person asked for. workers None: as many as fit the provider and the machine;
    name: what Flower shows after facemirror@, None for this machine's name."""

    broker: str
    weights: Path
    provider: ProviderChoice | Literal["simulated"] = "auto"
    precision: PrecisionChoice = "any"
    encoder: EncoderChoice = "auto"
    workers: int | None = None
    pools: tuple[str, ...]
    name: str | None = None
    log: Path | None = None
    insecure: bool = False
    simulated_seconds: float = 0.0


def work(options: WorkerOptions, console: Console) -> None:
    """Work until told to stop: the first Ctrl-C or SIGTERM lets the chunks in hand be finished, the
    second stops at once. Raises BrokerError, WeightsError, ProviderError, LauncherError, and
    UsageError where another worker has the name."""
    require_usable(options.broker, options.insecure)
    sets = usable_weights(options.weights, options.precision)
    backend, trial = _backend(options, sets, console)

    def under() -> Iterator[Circumstances]:
        return (
            Circumstances.here(arithmetic(backend), models, landmarks, aus)
            for (landmarks, aus), models in sets.items()
        )

    encoder = _encoder(options, encoder_for(options.encoder, under), console)
    queues = served_queues(options.pools, sets.values(), backend, encoder)
    configuration = replace(
        Configuration.from_environment(),
        broker=options.broker,
        weights=options.weights.absolute(),
        backend=backend,
        trial=trial,
        encoder=encoder,
        compiled=default_compiled(),
        simulated_seconds=options.simulated_seconds,
    )
    connect(configuration)
    number = processes_for(options.workers, backend.provider, under)
    count = number.count
    host = options.name or socket.gethostname().partition(".")[0]
    names = [WORKER_NAME, *(f"{WORKER_NAME}-{n}" for n in range(2, count + 1))]
    posts = [WorkerPost(name, tuple(queues), host) for name in names]
    machine = socket.gethostname().partition(".")[0]
    client = impatient_client(options.broker)
    place = Place(client, name_key(host), machine, words_on_name(host))
    with only_holder(place, console), Workers(posts, configuration, options.log) as workers:
        console.print(
            f"{', '.join(f'{name}@{host}' for name in names)} on {backend}{number.why}, for "
            f"{without_password(options.broker)}; Ctrl-C finishes what is in hand and stops",
            soft_wrap=True,
        )
        _work_until_stopped(workers, place, Served(frozenset(queues), sets, backend), console)


def install_launch_agent(options: WorkerOptions, console: Console) -> None:
    """Write the launch agent that starts this worker at every login, and say how to start it now.

    The broker's address, which holds a password, goes into its environment. Raises WeightsError,
    UsageError or OSError.
    """
    usable_weights(options.weights)
    given = {
        "--provider": options.provider,
        "--precision": None if options.precision == "any" else options.precision,
        "--encoder": None if options.encoder == "auto" else options.encoder,
        "--workers": options.workers,
        "--queues": ",".join(options.pools),
        "--weights": options.weights.absolute(),
        "--name": options.name,
        "--log": None if options.log is None else options.log.absolute(),
    }
    arguments = [f"{name}={value}" for name, value in given.items() if value is not None]
    insecure = ["--insecure"] if options.insecure else []
    environment = {
        "FACEMIRROR_BROKER": options.broker,
        # launchd gives its own agents a short PATH.
        "PATH": os.environ.get("PATH", os.defpath),
    }
    agent = install(["worker", *arguments, *insecure], environment)
    start, stop = agent.commands(os.getuid())
    for line in (
        f"wrote {agent.plist}: this worker starts at every login, and logs to {agent.log}",
        f"to start it now: {start}",
        f"to stop it for good: {stop}",
    ):
        console.print(line, soft_wrap=True)


def usable_weights(folder: Path, precision: PrecisionChoice = "any") -> ModelSets:
    """The sets of models that are whole in a folder, and have kinds of a precision; raises
    WeightsError where there is none."""
    found: ModelSets = {}
    problems: list[WeightsError] = []
    for landmarks, aus in LANDMARKS_AND_AUS:
        try:
            models = check_weights(folder, landmarks, aus)
            check_precision(models, precision)
        except WeightsError as error:
            problems.append(error)
        else:
            found[landmarks, aus] = models
    if not found:
        raise problems[0]
    return found


def _backend(
    options: WorkerOptions, sets: ModelSets, console: Console
) -> tuple[Backend, Trial | None]:
    """What serves all kinds of analyses for which there are models here."""
    if options.provider == "simulated":
        console.print("SIMULATED: this worker measures nothing", style="bold red")
        return SIMULATED_BACKEND, None

    wish = Wish(
        weights=options.weights,
        installed=tuple(model for models in sets.values() for model in models),
        compiled=default_compiled(),
        provider=options.provider,
        precision=options.precision,
    )
    return choose_backend(wish, lambda line: _say(line, console))


def _encoder(options: WorkerOptions, chosen: EncoderChoice, console: Console) -> Encoder:
    if options.provider == "simulated":
        return "x264"
    return choose_encoder(chosen, lambda line: _say(line, console))


def _say(line: str, console: Console) -> None:
    console.print(line, style="yellow", soft_wrap=True)


def _work_until_stopped(
    workers: Workers,
    place: Place,
    served: Served,
    console: Console,
) -> None:
    def keep_name() -> None:
        with suppress(redis.RedisError):  # the workers themselves wait for it, and say so
            place.keep()

    told: set[str] = set()
    looked = float("-inf")
    try:
        with _interrupted_by_signals():
            while True:
                workers.tend()
                keep_name()
                if time.monotonic() - looked > STUDIES_SECONDS:
                    looked = time.monotonic()
                    say_what_is_not_served(served, told, console)
                time.sleep(TEND_SECONDS)
    except KeyboardInterrupt:
        console.print("finishing what is in hand; Ctrl-C again stops at once")
    with _interrupted_by_signals():
        workers.drain(meanwhile=keep_name)


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM raise KeyboardInterrupt, once."""

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        for number in endings:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped if signum == signal.SIGTERM else KeyboardInterrupt

    endings = (signal.SIGINT, signal.SIGTERM)
    for number in endings:
        signal.signal(number, interrupt)
    yield
