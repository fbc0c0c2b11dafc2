"""What the person sees while recordings are on their way."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Task as Bar
from rich.text import Text

from tasks.messages import RecordingOutcome, RecordingPlan
from tasks.store import RecordingStore
from tasks.studies import StudyStore


class Rate(TextColumn):
    """Frames a second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Bar) -> Text:
        """The rate as text."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} frames/s", style="cyan")


class ProgressBars:
    """One bar for each recording on its way, and one line for each that is finished."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            Rate(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, name: str, done: int, total: int) -> None:
        """Bring a recording's bar up to date. done, total: frames."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._bars[name], completed=done)

    def finish(self, name: str, outcome: RecordingOutcome) -> None:
        """Replace a recording's bar by a line that says what became of it."""
        if name in self._bars:
            self._progress.remove_task(self._bars.pop(name))
        if outcome.status != "done":
            self.say_failed(name, outcome.reason)
            return
        for warning in outcome.warnings:
            self._say(f"{name}: {warning}", "yellow")
        if not self._quiet:
            done = "frames kept, finished before" if outcome.kept else "frames done"
            self._say(f"{name}: {outcome.frames} {done}", "green")

    def say_failed(self, name: str, reason: str) -> None:
        """One line for a recording that failed."""
        self._say(f"{name}: failed: {reason}", "red")

    def say(self, line: str) -> None:
        """One line that the person may want to know."""
        if not self._quiet:
            self._say(line, "cyan")

    def _say(self, line: str, style: str) -> None:
        self._console.print(line, style=style, soft_wrap=True)


class StudyWatch:
    """Shows how far the recordings of a study are, until all have ended."""

    def __init__(
        self,
        study: StudyStore,
        names: dict[str, str],
        bars: ProgressBars,
        on_plan: Callable[[RecordingPlan], None] = lambda _: None,
    ) -> None:
        """names: what to call each recording, by id; on_plan: is told how each recording is cut."""
        self._study = study
        self._names = names
        self._bars = bars
        self._on_plan = on_plan
        self._ended: set[str] = set()
        self._frames: dict[str, int] = {}
        self.failed = 0

    def look(self) -> bool:
        """Bring what is shown up to date; returns whether every recording has ended."""
        for recording, outcome in sorted(self._study.outcomes().items()):
            if recording not in self._ended:
                self._ended.add(recording)
                self.failed += outcome.status != "done"
                self._bars.finish(self._names[recording], outcome)
        for recording in self._study.begun():
            store = self._study.recording(recording)
            total = self._total(recording, store)
            if total is not None:
                self._bars.show(self._names[recording], store.progress().frames, total)
        return len(self._ended) == len(self._names)

    def _total(self, recording: str, store: RecordingStore) -> int | None:
        if recording not in self._frames and (plan := store.plan()) is not None:
            self._frames[recording] = plan.frames
            self._on_plan(plan)
        return self._frames.get(recording)
