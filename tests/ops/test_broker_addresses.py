"""Every command that takes a Redis: one line and no password where its address cannot be used."""

import pytest
from typer.testing import CliRunner

from ops.cli import app

ADDRESSES = {
    "redis://:s3cret#more@127.0.0.1:1/0": "cannot be read",
    "redis://:s3cret/more@127.0.0.1:1/0": "cannot be read",
    "redis://[bad": "cannot be read",
    "redis://:s3cret%23more@127.0.0.1:1/0": "no Redis answers at redis://:***@127.0.0.1:1/0",
}
COMMANDS = {
    "run": ("FILM", "--out", "OUT", "--weights", "demo"),
    "submit": ("FILM", "--out", "OUT", "--weights", "demo"),
    "status": (),
    "studies": (),
    "cancel": ("smiles",),
    "retry": ("smiles",),
    "server": (),
    "worker": ("--weights", "demo"),
    "flower": (),
}


WAYS = [(command, False) for command in COMMANDS]
WAYS += [(command, True) for command in COMMANDS if command != "run"]
"""By option or by variable; `run` never takes a lab's Redis unasked."""


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(("command", "by_variable"), WAYS)
def test_it_is_one_line_without_the_password(command, address, by_variable, tmp_path, monkeypatch):
    (tmp_path / "film.mp4").touch()
    places = {"FILM": str(tmp_path / "film.mp4"), "OUT": str(tmp_path / "out")}
    line = [command, *(places.get(word, word) for word in COMMANDS[command])]
    if by_variable:
        monkeypatch.setenv("FACEMIRROR_BROKER", address)
    else:
        line += ["--broker", address]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert ADDRESSES[address] in done.stderr
    *before, last = done.stderr.splitlines()
    assert last.startswith("facemirror: ")
    assert all(line.startswith("DEMO weights") for line in before)
    assert "s3cret" not in done.stderr
