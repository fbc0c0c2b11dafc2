"""What a power loss leaves: nothing counts as there before it is on the disk itself."""

import errno
import os
from pathlib import Path

import pytest

from tasks.messages import ChunkReport, RecordingFiles
from tasks.outputs import durable
from tasks.outputs.folder import output_names, put_in_place
from tasks.outputs.run_record import RUN_FILE
from tasks.outputs.spool import ChunkSpool
from tasks.results import pack_result

NAMES = output_names("smile")
REPORT = ChunkReport(
    provider="cpu", arithmetic="cpu", libraries={}, worker="w", models=(), seconds={}
)


@pytest.fixture
def events(monkeypatch, tmp_path):
    """Each flush and each change of a folder, in order: (what, name)."""
    seen = []
    opened = {}
    open_, flush, replace, unlink = os.open, durable._flush, Path.replace, Path.unlink

    def noted_open(path, *options, **more):
        descriptor = open_(path, *options, **more)
        opened[descriptor] = Path(path).name
        return descriptor

    def noted_flush(descriptor):
        flush(descriptor)
        seen.append(("flush", opened[descriptor]))

    def noted_replace(self, target):
        seen.append(("replace", self.name, Path(target).name))
        return replace(self, target)

    def noted_unlink(self, missing_ok=False):
        seen.append(("unlink", self.name))
        return unlink(self, missing_ok)

    monkeypatch.setattr(os, "open", noted_open)
    monkeypatch.setattr(durable, "_flush", noted_flush)
    monkeypatch.setattr(Path, "replace", noted_replace)
    monkeypatch.setattr(Path, "unlink", noted_unlink)
    return seen


def test_a_run_record_is_there_only_with_what_it_tells_of(events, tmp_path):
    folder, partial = tmp_path / "smile", tmp_path / "partial"
    for made in (folder, partial):
        made.mkdir()
        for name in NAMES:
            (made / name).write_text(made.name)
    put_in_place(partial, folder, NAMES)
    others = [("replace", name, name) for name in NAMES[:-1]]
    contents, rest = events[: len(NAMES)], events[len(NAMES) :]
    assert sorted(contents) == sorted(("flush", name) for name in NAMES)
    assert rest == [
        ("unlink", RUN_FILE),
        ("flush", "smile"),
        *others,
        ("flush", "smile"),
        ("replace", RUN_FILE, RUN_FILE),
        ("flush", "smile"),
    ]


def test_spooled_chunks_are_on_the_disk_when_they_are_settled(events, tmp_path):
    files = RecordingFiles(source="/in/smile.mov", output=str(tmp_path), name="smile")
    spool = ChunkSpool(files, "s.1")
    for k in range(2):
        spool.put(k, pack_result((k,), b"rows", {"left": b"video", "right": b""}, REPORT))
    spool.settle()
    assert events[:2] == [("flush", "smile"), ("flush", tmp_path.name)]
    for target in ("000000.result", "000001.result"):
        (at,) = (i for i, event in enumerate(events) if event[-1] == target)
        assert events[at - 1] == ("flush", events[at][1])
    assert events[-1] == ("flush", spool.folder.name)
    assert [spool.chunk(k).pts for k in range(2)] == [(0,), (1,)]
    assert (spool.chunk(0).rows, spool.chunk(0).report) == (b"rows", REPORT)
    assert (spool.video(0, "left"), spool.video(0, "right")) == (b"video", b"")


def test_folders_of_a_share_that_knows_no_flush_are_let_be(monkeypatch, tmp_path):
    def refuse(_):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(durable, "_flush", refuse)
    durable.keep(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Invalid"):
        durable.keep(tmp_path / "file")


def test_a_disk_that_cannot_keep_it_says_so(monkeypatch, tmp_path):
    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable, "_flush", fail)
    with pytest.raises(OSError, match="Input/output"):
        durable.keep(tmp_path)
