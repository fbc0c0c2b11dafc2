"""`facemirror run`: the whole job on this machine, or with the workers of a broker."""

import secrets
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import redis
from rich.console import Console

from ops.errors import UsageError
from ops.recordings import find_recordings, naming_fault, output_names
from ops.studies.submission import Request, StudyOptions, model_sums, submit
from ops.terminal.progress import ProgressBars, StudyWatch
from ops.tuning.kept_choice import Choice, Circumstances, encoder_for, processes_for
from tasks.dispatch import Dispatcher
from tasks.messages import RecordingPlan, RunSettings
from tasks.outputs.spool import PARTIAL
from tasks.studies import recording_id
from weights.manifest import InstalledModel
from workers.process.app import app, connect
from workers.process.arithmetic import arithmetic
from workers.process.broker import (
    redis_client,
    require_guarded,
    require_reachable,
    without_password,
)
from workers.process.configuration import DEFAULT_REDIS_BUDGET, Configuration, default_compiled
from workers.process.launcher import WorkerPost, Workers
from workers.process.presence import present_workers
from workers.process.private_redis import PrivateRedis
from workers.process.queues import DEFAULT_POOL, FILES_QUEUE, served_queues
from workers.session.backends import Backend, PrecisionChoice
from workers.session.needed_models import (
    check_precision,
    check_weights,
    files_before_the_check,
)
from workers.session.providers import ProviderChoice
from workers.session.trial.choice import Wish, choose_backend
from workers.session.trial.figures import Trial
from workers.video.writing.encoders import EncoderChoice, choose_encoder

POLL_SECONDS = 0.25
FIRST_POLLS, FIRST_POLL_SECONDS = 100, 0.05
"""At the start workers idle until a step has been seen."""
PRIVATE_LEASE = 15.0
"""Seconds: on one machine a worker that is silent for so long is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the person asked for. workers None: as many as fit the provider and the machine;
    demo: models that were made to try the software may run; force: what is finished, too."""

    out: Path
    weights: Path
    settings: RunSettings
    workers: int | None = None
    provider: ProviderChoice = "auto"
    precision: PrecisionChoice = "any"
    encoder: EncoderChoice = "auto"
    broker: str | None = None
    log: Path | None = None
    quiet: bool = False
    demo: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Crew:
    """What serves a run: the processes started here, the models that may be used, the queue that
    is read on this machine, and what their number was tuned on, if it was."""

    workers: Workers
    models: tuple[InstalledModel, ...]
    files_queue: str
    tuned: Choice | None = None


def run(given: list[Path], options: RunOptions, console: Console) -> int:
    """Analyse recordings whose outputs are not finished already; returns how many failed.

    Raises UsageError, WeightsError, ProviderError, BrokerError or LauncherError where nothing can
    be run. Whatever ends it, no process, temporary folder or half-written output is left.
    """
    recordings = find_recordings(given)
    if not recordings:
        raise UsageError(f"no recordings in {', '.join(map(str, given))}")
    try:
        names = output_names(recordings)
    except ValueError as error:
        raise UsageError(str(error)) from error
    require_writable(options.out, options.log)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facemirror-run-")))
        log = options.log.absolute() if options.log else folder / "workers.log"
        stack.callback(remove_leftovers, [options.out.absolute() / n for n in names.values()])
        start = _borrowed_crew if options.broker else _own_crew
        with start(options, log, console) as crew:
            return _work_through(names, options, crew, console)


def require_writable(out: Path, log: Path | None) -> None:
    """Make the output folder; raises UsageError where it or the log cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write into {out} ({error.strerror}): choose another --out"
        ) from error
    try:
        if log is not None:
            log.touch()
    except OSError as error:
        raise UsageError(f"cannot write {log} ({error.strerror}): choose another --log") from error


def remove_leftovers(folders: list[Path]) -> None:
    """Remove what is half-written in recordings' folders; call it when no worker runs any more."""
    for folder in folders:
        for partial in folder.glob(f"{PARTIAL}*"):
            shutil.rmtree(partial, ignore_errors=True)
        with suppress(OSError):  # it holds finished files, or a worker that ends was faster
            folder.rmdir()


@contextmanager
def _own_crew(options: RunOptions, log: Path, console: Console) -> Iterator[Crew]:
    """A private Redis and workers for everything."""
    analysis = options.settings.analysis
    expected = analysis.landmarks, analysis.aus
    checked = files_before_the_check(options.weights.absolute(), *expected)
    models = _models(options, console)
    backend, trial = _backend(options, models, console)

    def under() -> list[Circumstances]:
        return [Circumstances.here(arithmetic(backend), models, *expected)]

    number = processes_for(options.workers, backend.provider, under)
    chosen = encoder_for(options.encoder, under)
    encoder = choose_encoder(chosen, lambda line: _say(line, console))
    count = number.count
    queues = tuple(served_queues([DEFAULT_POOL], [models], backend, encoder))
    posts = [WorkerPost("facemirror-files", (FILES_QUEUE,))]  # it is waited for first
    posts += [WorkerPost(f"facemirror-{n}", queues, expected=expected) for n in range(1, count + 1)]
    with PrivateRedis() as server:
        configuration = Configuration(
            broker=server.url,
            weights=options.weights.absolute(),
            backend=backend,
            trial=trial,
            encoder=encoder,
            compiled=default_compiled(),
            lease_seconds=PRIVATE_LEASE,
            checked=checked,
            private_server=server.process,
        )
        connect(configuration)
        if not options.quiet:
            workers_said = f"{count} worker{'s' * (count > 1)} on {backend}{number.why}"
            console.print(workers_said, soft_wrap=True)
        with Workers(posts, configuration, log) as workers:
            yield Crew(workers, models, FILES_QUEUE, number.tuned)


@contextmanager
def _borrowed_crew(options: RunOptions, log: Path, console: Console) -> Iterator[Crew]:
    """The broker's workers analyse; one process here reads recordings and writes outputs."""
    broker = options.broker or ""
    if options.workers is not None or (options.provider, options.encoder) != ("auto", "auto"):
        raise UsageError(
            "--workers, --provider and --encoder are for workers started here: leave out --broker"
        )
    require_guarded(broker)
    require_reachable(broker)
    models = _models(options, console)
    configuration = Configuration(
        broker=broker, weights=options.weights.absolute(), compiled=default_compiled()
    )
    connect(configuration)
    present = present_workers(redis_client(broker))
    names = [worker.name for worker in present if FILES_QUEUE not in worker.queues]
    console.print(
        f"workers on {without_password(broker)}: {', '.join(sorted(names))}"
        if names
        else f"no worker answers on {without_password(broker)}: waiting for one to start",
        soft_wrap=True,
    )
    # A queue of one's own: these files are on this machine.
    queue = f"{FILES_QUEUE}.{secrets.token_hex(4)}"
    post = WorkerPost(f"facemirror-files-{secrets.token_hex(2)}", (queue,))
    with Workers([post], configuration, log) as workers:
        yield Crew(workers, models, queue)


def _backend(
    options: RunOptions, models: tuple[InstalledModel, ...], console: Console
) -> tuple[Backend, Trial | None]:
    wish = Wish(
        weights=options.weights,
        installed=models,
        compiled=default_compiled(),
        provider=options.provider,
        precision=options.precision,
    )
    return choose_backend(wish, lambda line: _say(line, console))


def _say(line: str, console: Console) -> None:
    console.print(line, style="yellow", soft_wrap=True)


def _models(options: RunOptions, console: Console) -> tuple[InstalledModel, ...]:
    analysis = options.settings.analysis
    installed = check_weights(options.weights, analysis.landmarks, analysis.aus)
    check_precision(installed, options.precision)
    say_which_weights(options.weights, installed, options.demo, console)
    return installed


def say_which_weights(
    weights: Path, installed: tuple[InstalledModel, ...], demo_asked: bool, console: Console
) -> None:
    """Say aloud which models are not the published ones; raises UsageError for demo models that
    were not asked for."""
    demo = [model.file for model in installed if model.demo]
    other = [model.file for model in installed if not model.official and not model.demo]
    if demo and not demo_asked:
        raise UsageError(
            f"{weights} holds demo weights ({', '.join(demo)}), which measure nobody: "
            "fetch and convert the real ones, or type --weights demo"
        )
    said = []
    if demo:
        said.append(f"DEMO weights ({', '.join(demo)}): they measure nobody")
    if other:
        said.append(f"NOT the published weights: {', '.join(other)}. Do not use on patients")
    for line in said:
        console.print(line, style="bold red", soft_wrap=True)


def _work_through(names: dict[Path, str], options: RunOptions, crew: Crew, console: Console) -> int:
    """Submit the recordings and see to them until all have ended; returns how many failed."""
    faults = {source: fault for source, name in names.items() if (fault := _fault(source, name))}
    there = [source for source in names if source not in faults]
    failed = len(faults)
    client = redis_client(app.conf.broker_url)
    with ProgressBars(console, options.quiet) as bars:
        for source, fault in faults.items():
            bars.say_failed(names[source], fault)
        if not there:
            return failed
        study = submit(client, _requests(there, names, options, crew), _options(options, crew))
        shown = {recording_id(study.id, n): names[source] for n, source in enumerate(there, 1)}
        watch = StudyWatch(study, shown, bars, _hint_on_size(crew.tuned, bars))
        dispatcher = Dispatcher(client, crew.files_queue, DEFAULT_REDIS_BUDGET, time.monotonic)
        try:
            dispatcher.step()
            for pause in chain(repeat(FIRST_POLL_SECONDS, FIRST_POLLS), repeat(POLL_SECONDS)):
                if watch.look():
                    break
                time.sleep(pause)
                dispatcher.step()
                crew.workers.tend()
        finally:
            crew.workers.stop()  # so that nothing here writes to Redis any more
            with suppress(redis.RedisError):
                study.cancel()  # its record stays: what a slow worker still stores is then deleted
    return failed + watch.failed


def _hint_on_size(tuned: Choice | None, bars: ProgressBars) -> Callable[[RecordingPlan], None]:
    """Says once that the number of workers was found on pictures of quite another size."""
    said: list[str] = []

    def look(plan: RecordingPlan) -> None:
        if tuned is not None and not said and tuned.found_on_unlike(plan.width, plan.height):
            source = plan.order.files.source if plan.order.files else plan.order.label
            said.append(
                f"{plan.order.label} is {plan.width}x{plan.height}, and the number of workers was "
                f"found on {tuned.width}x{tuned.height}: 'facemirror tune {shlex.quote(source)}' "
                "tells what is the fastest for such pictures"
            )
            bars.say(said[0])

    return look


def _fault(source: Path, name: str) -> str | None:
    """Why a recording cannot even be begun."""
    if source.is_file():
        return naming_fault(source, name)
    return f"{source}: there is no such file"


def _requests(
    sources: list[Path], names: dict[Path, str], options: RunOptions, crew: Crew
) -> list[Request]:
    models = model_sums(crew.models)
    return [
        Request(source=source, name=names[source], settings=options.settings, models=models)
        for source in sources
    ]


def _options(options: RunOptions, crew: Crew) -> StudyOptions:
    return StudyOptions(
        out=options.out,
        provider=None if options.provider == "auto" else options.provider,
        precision=options.precision,
        files_queue=crew.files_queue,
        anew=options.force,
    )
