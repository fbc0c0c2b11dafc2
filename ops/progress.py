"""What the person sees while recordings are on their way."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Task as Bar
from rich.text import Text

from ops.submission import Submission
from tasks.messages import RecordingOutcome


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
            TextColumn("{task.description}"),
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

    def show(self, submission: Submission) -> None:
        """Bring the recording's bar up to date."""
        done, total = submission.frames()
        if total is None:
            return
        if submission.name not in self._bars:
            self._bars[submission.name] = self._progress.add_task(submission.name, total=total)
        self._progress.update(self._bars[submission.name], completed=done)

    def finish(self, submission: Submission, outcome: RecordingOutcome) -> None:
        """Replace the recording's bar by a line that says what became of it."""
        if submission.name in self._bars:
            self._progress.remove_task(self._bars.pop(submission.name))
        if outcome.status == "failed":
            self.say_failed(submission.name, outcome.reason)
            return
        for warning in outcome.warnings:
            self._say(f"{submission.name}: {warning}", "yellow")
        if not self._quiet:
            self._say(f"{submission.name}: {outcome.frames} frames done", "green")

    def say_failed(self, name: str, reason: str) -> None:
        """One line for a recording that failed."""
        self._say(f"{name}: failed: {reason}", "red")

    def _say(self, line: str, style: str) -> None:
        self._console.print(line, style=style, highlight=False, markup=False, soft_wrap=True)
