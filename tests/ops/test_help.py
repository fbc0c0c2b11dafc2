"""Every page of help, found by walking the commands: nothing eaten, and examples that are right."""

import re
import shlex
from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from ops.cli import app
from ops.terminal.examples import EXAMPLES

BORDERS = re.compile(r"[│╭╮╰╯─]")


def pages(command, path=()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every command and subcommand, by the words that are typed."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from pages(below, (*path, name))


TREE = typer.main.get_command(app)
PAGES = dict(pages(TREE))
COMMANDS = {path: command for path, command in PAGES.items() if not hasattr(command, "commands")}
each_page = pytest.mark.parametrize("path", PAGES, ids=" ".join)


def shown(path, columns, monkeypatch) -> str:
    """The page as text, wrapped to a terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(columns))
    done = CliRunner().invoke(app, [*path, "--help"])
    assert done.exit_code == 0, done.output
    return done.stdout


def words(text: str) -> str:
    return " ".join(BORDERS.sub(" ", text).split())


def test_the_walk_finds_the_commands():
    names = {" ".join(path) for path in COMMANDS}
    assert {"run", "demo", "submit", "status", "server", "worker", "flower"} <= names
    assert {"weights fetch", "weights convert", "weights verify", "weights list"} <= names


@each_page
def test_nothing_of_it_is_eaten(path, monkeypatch):
    text = words(shown(path, 300, monkeypatch))
    command = PAGES[path]
    for paragraph in f"{command.help}\n\n{command.epilog or ''}".split("\n\n"):
        assert words(paragraph) in text
    for parameter in command.params:
        assert parameter.help, f"{path}: {parameter.name} has no help"
        assert words(parameter.help) in text
        if isinstance(parameter.show_default, str):
            assert f"[default: ({parameter.show_default})]" in text
        for option in parameter.opts if parameter.param_type_name == "option" else ():
            assert option in text.split()
    for name, below in getattr(command, "commands", {}).items():
        assert f"{name} {words(below.help.partition(chr(10) * 2)[0])}" in text


@each_page
def test_nothing_of_it_is_cut_off_in_a_narrow_terminal(path, monkeypatch):
    assert "…" not in shown(path, 80, monkeypatch)


@each_page
def test_a_switch_is_only_ever_switched_on(path):
    for parameter in PAGES[path].params:
        assert not parameter.secondary_opts, f"{parameter.name}: {parameter.secondary_opts}"


def test_commands_stand_in_groups(monkeypatch):
    text = shown((), 100, monkeypatch)
    groups = re.findall(r"╭─ (.+?) ─", text)
    assert groups == ["Options", "One machine", "Studies on a shared Redis", "A lab's machines"]
    groups = re.findall(r"╭─ (.+?) ─", shown(("submit",), 100, monkeypatch))
    assert {"Options", "What is measured", "The shared Redis"} <= set(groups)


def test_every_command_has_examples():
    assert {" ".join(path) for path in COMMANDS} == set(EXAMPLES)
    for path, command in COMMANDS.items():
        assert all(example in command.epilog for example in EXAMPLES[" ".join(path)])


@pytest.mark.parametrize("example", [one for lines in EXAMPLES.values() for one in lines])
def test_an_example_can_be_typed(example, monkeypatch):
    monkeypatch.setenv("FACEMIRROR_BROKER", "redis://localhost:6379/0")
    program, *line = shlex.split(example)
    path = next(path for path in COMMANDS if tuple(line[: len(path)]) == path)
    assert program == "facemirror"
    COMMANDS[path].make_context(" ".join(path), line[len(path) :])  # raises what is wrong


def test_the_version_is_said():
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"facemirror {version('facemirror')}\n")
