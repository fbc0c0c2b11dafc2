"""Names with brackets and colons come out of every table, bar and line as they are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.studies.status import RecordingStatus, StudyStatus, WorkerStatus, render
from ops.studies.submission import Request, StudyOptions, submit
from ops.terminal.console import terminal
from ops.terminal.progress import ProgressBars
from tasks.messages import PlannedChunk, RecordingOutcome, RunSettings
from tests.tasks.plans import plan_of
from workers.chunk.order import AnalysisSettings
from workers.process.broker import redis_client
from workers.process.private_redis import PrivateRedis

NAMES = ("P1[left]", "[bold]P2[/bold]", "P3 :smile: [/]", r"P4\[right]", "P5 [default: x]")
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with PrivateRedis() as server:
        yield server.url


@pytest.fixture(scope="module")
def study(broker) -> str:
    """A study whose recordings are waiting, reading, running, failed and done with a warning."""
    client = redis_client(broker)
    settings = RunSettings(analysis=AnalysisSettings())
    requests = [
        Request(source=Path(f"/in/{name}.mp4"), name=name, settings=settings, models=())
        for name in NAMES
    ]
    store = submit(client, requests, StudyOptions(out=Path("/out"), name="smiles [march]"))
    _, reading, running, failed, done = store.orders().values()
    store.begin(reading.id)
    store.begin(running.id)
    store.recording(running.id).put_plan(plan_of(running, (PlannedChunk(0, 10, 0, 0, 10, 5),)))
    reason = "/in/P4[right].mp4: is no video [red] at all"
    store.recording(failed.id).finish(RecordingOutcome(status="failed", reason=reason))
    warned = RecordingOutcome(status="done", frames=9, warnings=("see P5[left].csv :warning:",))
    store.recording(done.id).finish(warned)
    return store.id


@pytest.fixture
def said(broker, monkeypatch):
    """What a command on this Redis says, in a wide terminal."""
    monkeypatch.setenv("COLUMNS", "200")

    def say(*arguments: object) -> str:
        done = CliRunner().invoke(app, [*map(str, arguments), "--broker", broker])
        assert done.exit_code in (0, 1, 2), done.output
        return done.output

    return say


def test_status_shows_names_reasons_and_warnings_whole(said, study):
    text = said("status", study)
    for name in NAMES:
        assert re.search(rf"^{re.escape(name)}  ", text, re.MULTILINE), text
    assert "(smiles [march])" in text
    assert "/in/P4[right].mp4: is no video [red] at all" in text
    assert "see P5[left].csv :warning:" in text


def test_status_in_a_narrow_terminal_cuts_nothing_off(said, study, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = said("status", study)
    assert "…" not in text
    for name in NAMES:
        assert name in text


def test_studies_shows_names_whole(said, study, monkeypatch):
    assert f"{study}  smiles [march]  " in said("studies")
    monkeypatch.setenv("COLUMNS", "60")
    assert "…" not in said("studies")


def test_status_shows_workers_names_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    mac = "facemirror@mac[1]"
    running = RecordingStatus(id="s.1", name=NAMES[0], state="running", workers=(mac,))
    terminal().print(
        render(
            StudyStatus(
                id="s",
                name="[x]",
                recordings=(running,),
                workers=(
                    WorkerStatus(name=mac, provider="cpu", on=(NAMES[0],), frames_per_second=None),
                ),
                server=True,
                frames_per_second=0.0,
                seconds_left=None,
            )
        )
    )
    text = capsys.readouterr().out
    assert f"{mac} (cpu): {NAMES[0]}" in text
    assert re.search(rf"^P1\[left\] +running +{re.escape(mac)}", text, re.MULTILINE)


def test_errors_show_names_whole(said, tmp_path):
    missing = tmp_path / "P1[left] :smile:.mp4"
    line = f"facemirror: there is no such file: {missing}. Nothing was submitted"
    assert line in said("submit", missing, "--out", tmp_path, "--weights", "demo").splitlines()
    assert "there is no study '[left] :smile:'" in said("status", "[left] :smile:")


@pytest.mark.parametrize("name", NAMES)
def test_progress_shows_names_whole(name, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("FORCE_COLOR", "1")  # bars are shown on terminals only
    with ProgressBars(terminal(stderr=True), quiet=False) as bars:
        bars.show(name, 3, 10)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    assert f"{name} " in shown
    assert "3/10" in shown
    with ProgressBars(terminal(stderr=True), quiet=False) as bars:
        bars.finish(name, RecordingOutcome(status="done", frames=10))
        bars.say_failed(name, "no [video] :smile:")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    assert f"{name}: 10 frames done" in shown
    assert f"{name}: failed: no [video] :smile:" in shown


def test_no_command_prints_through_another_console():
    for path in (PROJECT / "ops").rglob("*.py"):
        made = re.findall(r"\bConsole\((?!quiet=True\))", path.read_text(encoding="utf-8"))
        assert len(made) == (path.name == "console.py"), path
