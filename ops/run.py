"""`facemirror run`: the whole job on this machine, or with the workers of a broker."""

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
from rich.console import Console

from ops.progress import ProgressBars
from ops.recordings import find_recordings, output_names
from ops.submission import Submission, leftovers, queue_length, submit, withdraw
from tasks.messages import RecordingOutcome, RunSettings
from workers.app import ANALYZE_QUEUE, FILES_QUEUE, app, connect
from workers.broker import require_guarded, require_reachable, without_password
from workers.configuration import Configuration, default_compiled
from workers.launcher import WorkerPost, Workers
from workers.private_redis import PrivateRedis
from workers.providers import Provider, ProviderChoice, default_processes
from workers.session import check_weights
from workers.warm_up import choose_provider, warm_up_apart

POLL_SECONDS = 0.25
PRIVATE_LEASE = 15.0
"""Seconds: on one machine a worker that is silent for so long is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the person asked for. workers None: as many as fit the provider and the machine;
    chunk_frames None: short recordings are shared evenly by the workers; demo: models that were
    made to try the software may run."""

    out: Path
    weights: Path
    settings: RunSettings
    chunk_frames: int | None = None
    workers: int | None = None
    provider: ProviderChoice = "auto"
    broker: str | None = None
    log: Path | None = None
    quiet: bool = False
    demo: bool = False


class RunError(Exception):
    """Nothing can be run as asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Crew:
    """The processes that serve a run: those started here, the queue that is read on this machine,
    and how many workers analyse; sent: the recordings handed to them so far."""

    workers: Workers
    files_queue: str
    analysts: int
    sent: list[Submission]

    def wants_more(self, under_way: list[Submission]) -> bool:
        """Whether to send another recording: workers never wait, Redis never fills up."""
        if len(under_way) <= self.analysts:
            return True
        all_cut = all(submission.frames()[1] is not None for submission in under_way)
        return all_cut and queue_length(ANALYZE_QUEUE) == 0


def run(given: list[Path], options: RunOptions, console: Console) -> int:
    """Analyse recordings; returns how many failed.

    Raises RunError, WeightsError, ProviderError, BrokerError or LauncherError where nothing can
    be run. Whatever ends it, no process, temporary folder or half-written output is left.
    """
    recordings = find_recordings(given)
    if not recordings:
        raise RunError(f"no recordings in {', '.join(map(str, given))}")
    try:
        names = output_names(recordings)
    except ValueError as error:
        raise RunError(str(error)) from error
    require_writable(options.out, options.log)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facemirror-run-")))
        log = options.log.absolute() if options.log else folder / "workers.log"
        start = _borrowed_crew if options.broker else _own_crew
        with start(options, log, console) as crew:
            stack.callback(remove_leftovers, crew.sent)
            return _work_through(names, options, crew, console)


def require_writable(out: Path, log: Path | None) -> None:
    """Make the output folder; raises RunError where it or the log cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise RunError(
            f"cannot write into {out} ({error.strerror}): choose another --out"
        ) from error
    try:
        if log is not None:
            log.touch()
    except OSError as error:
        raise RunError(f"cannot write {log} ({error.strerror}): choose another --log") from error


def remove_leftovers(sent: list[Submission]) -> None:
    """Remove half-written folders; call it when no worker runs any more."""
    for submission in sent:
        for partial in leftovers(submission):
            shutil.rmtree(partial, ignore_errors=True)
        folder = Path(submission.order.output) / submission.name
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def _own_crew(options: RunOptions, log: Path, console: Console) -> Iterator[Crew]:
    """A private Redis and workers for everything."""
    _check_weights(options, console)
    provider = _provider(options, console)
    count = options.workers or default_processes(
        provider, psutil.cpu_count(logical=False) or 1, psutil.virtual_memory().total
    )
    posts = [WorkerPost(f"facemirror-{n}", (ANALYZE_QUEUE,)) for n in range(1, count + 1)]
    posts.append(WorkerPost("facemirror-files", (FILES_QUEUE,)))
    with PrivateRedis() as server:
        configuration = Configuration(
            broker=server.url,
            weights=options.weights.absolute(),
            provider=provider,
            compiled=default_compiled(),
            lease_seconds=PRIVATE_LEASE,
            private_server=server.process,
        )
        connect(configuration)
        if not options.quiet:
            console.print(f"{count} worker{'s' * (count > 1)} on provider '{provider}'")
        with Workers(posts, configuration, log) as workers:
            yield Crew(workers, FILES_QUEUE, count, [])


@contextmanager
def _borrowed_crew(options: RunOptions, log: Path, console: Console) -> Iterator[Crew]:
    """The broker's workers analyse; one process here reads recordings and writes outputs."""
    broker = options.broker or ""
    if options.workers is not None or options.provider != "auto":
        raise RunError("--workers and --provider are for workers started here: leave out --broker")
    require_guarded(broker)
    require_reachable(broker)
    configuration = Configuration(
        broker=broker, weights=options.weights.absolute(), compiled=default_compiled()
    )
    connect(configuration)
    serving = app.control.inspect(timeout=2).active_queues() or {}
    names = [n for n, queues in serving.items() if ANALYZE_QUEUE in {q["name"] for q in queues}]
    console.print(
        f"workers on {without_password(broker)}: {', '.join(sorted(names))}"
        if names
        else f"no worker answers on {without_password(broker)}: waiting for one to start"
    )
    # A queue of one's own: these files are on this machine.
    queue = f"{FILES_QUEUE}.{secrets.token_hex(4)}"
    post = WorkerPost(f"facemirror-files-{secrets.token_hex(2)}", (queue,))
    sent: list[Submission] = []
    try:
        with Workers([post], configuration, log) as workers:
            yield Crew(workers, queue, max(1, len(names)), sent)
    finally:
        # Only now does no process here write to Redis any more.
        for submission in sent:
            if submission.poll() is None:
                withdraw(submission)


def _provider(options: RunOptions, console: Console) -> Provider:
    import onnxruntime

    landmarks = options.settings.analysis.landmarks

    def warm_up(provider: Provider) -> str | None:
        return warm_up_apart(options.weights, provider, landmarks, default_compiled())

    def say(line: str) -> None:
        console.print(line, style="yellow", highlight=False)

    return choose_provider(options.provider, onnxruntime.get_available_providers(), warm_up, say)


def _check_weights(options: RunOptions, console: Console) -> None:
    """Refuse demo weights unless asked for, and say aloud which are not the published ones."""
    installed = check_weights(options.weights, options.settings.analysis.landmarks)
    demo = [model.file for model in installed if model.demo]
    other = [model.file for model in installed if not model.official and not model.demo]
    if demo and not options.demo:
        raise RunError(
            f"{options.weights} holds demo weights ({', '.join(demo)}), which measure nobody: "
            "fetch and convert the real ones, or type --weights demo"
        )
    said = []
    if demo:
        said.append(f"DEMO weights ({', '.join(demo)}): they measure nobody")
    if other:
        said.append(f"NOT the published weights: {', '.join(other)}. Do not use on patients")
    for line in said:
        console.print(line, style="bold red", highlight=False, soft_wrap=True)


def _work_through(names: dict[Path, str], options: RunOptions, crew: Crew, console: Console) -> int:
    """Keep some recordings on their way until all have ended; returns how many failed."""
    missing = [source for source in names if not source.is_file()]
    waiting = [source for source in names if source not in missing]
    failed = len(missing)
    under_way: list[Submission] = []
    with ProgressBars(console, options.quiet) as bars:
        for source in missing:
            bars.say_failed(names[source], f"{source}: there is no such file")
        while waiting or under_way:
            while waiting and crew.wants_more(under_way):
                source = waiting.pop(0)
                under_way.append(_send(source, names[source], options, crew))
                crew.sent.append(under_way[-1])
            time.sleep(POLL_SECONDS)
            crew.workers.tend()
            for submission in list(under_way):
                outcome = _look_after(submission, bars)
                if outcome is not None:
                    under_way.remove(submission)
                    failed += outcome.status == "failed"
    return failed


def _send(source: Path, name: str, options: RunOptions, crew: Crew) -> Submission:
    settings = options.settings
    if options.chunk_frames is not None:
        settings = msgspec.structs.replace(settings, chunk_frames=options.chunk_frames)
    return submit(
        source,
        name,
        options.out.absolute(),
        settings,
        files_queue=crew.files_queue,
        spread=crew.analysts if options.chunk_frames is None else 1,
    )


def _look_after(submission: Submission, bars: ProgressBars) -> RecordingOutcome | None:
    """Show how far a recording is; returns what became of it once it has ended."""
    bars.show(submission)
    outcome = submission.poll()
    if outcome is None:
        submission.reconcile(time.monotonic())
    else:
        bars.finish(submission, outcome)
    return outcome
