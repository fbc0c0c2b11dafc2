"""Names that stay on the lab server."""

from pathlib import Path

import msgspec
import pytest

from tasks.messages import RecordingFiles, RecordingOrder, RunSettings
from tasks.register import RegisterError, files_of, pseudonym, without_names, write_register
from workers.chunk.order import AnalysisSettings

FILES = RecordingFiles(source="/data/clinic/P017_smile.mov", output="/out/Doe", name="P017_smile")


@pytest.fixture(autouse=True)
def register(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEMIRROR_REGISTER", str(tmp_path / "register"))
    return tmp_path / "register"


def hidden_order():
    return RecordingOrder(
        id="s.00001",
        study="s",
        label=pseudonym(Path(FILES.source)),
        files=None,
        settings=RunSettings(analysis=AnalysisSettings()),
        models=(),
    )


def test_a_pseudonym_is_stable_and_needs_this_machines_key(register):
    first = pseudonym(Path(FILES.source))
    assert first == pseudonym(Path(FILES.source)) != pseudonym(Path("/data/clinic/P018.mov"))
    assert not set(Path(FILES.source).stem.lower().split("_")) & set(first.split("-"))
    (register / "pseudonym.key").unlink()
    assert pseudonym(Path(FILES.source)) != first


@pytest.mark.parametrize("left", [b"", b"short"])
def test_a_damaged_key_is_refused_and_not_replaced(register, left):
    pseudonym(Path(FILES.source))
    key = register / "pseudonym.key"
    assert key.stat().st_mode & 0o077 == 0
    assert [path.name for path in register.iterdir()] == ["pseudonym.key"]
    key.write_bytes(left)
    with pytest.raises(RegisterError, match=rf"not whole \({len(left)} of 32 bytes\)"):
        pseudonym(Path(FILES.source))
    assert key.read_bytes() == left


def test_the_register_gives_the_names_back_and_is_private(register):
    order = hidden_order()
    write_register("s", {order.id: FILES})
    assert files_of(order) == FILES
    assert register.stat().st_mode & 0o077 == 0


def test_without_the_register_it_is_said_what_to_do():
    with pytest.raises(RegisterError, match="start 'facemirror server' where the study was"):
        files_of(hidden_order())


@pytest.mark.parametrize(
    "said",
    [
        "P017_smile.mov: is empty (0 bytes)",
        "cannot be opened at /data/clinic/P017_smile.mov (No such file)",
        "cannot write to /out/Doe/P017_smile",
    ],
)
def test_no_part_of_a_name_is_left_in_what_is_said(said):
    order = hidden_order()
    write_register("s", {order.id: FILES})
    found = without_names(said, order)
    for part in ("P017", "smile", "clinic", "Doe", "data"):
        assert part not in found
    assert order.label in found


def test_names_that_are_not_hidden_stay():
    order = msgspec.structs.replace(hidden_order(), files=FILES)
    assert without_names("P017_smile.mov: is empty", order) == "P017_smile.mov: is empty"
    assert files_of(order) == FILES
