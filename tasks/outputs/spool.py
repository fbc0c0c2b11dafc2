"""Results of chunks on the disk of the lab server, from when they leave Redis until the end.

One hidden folder beside the recording's outputs. A chunk's file is written beside its name and
renamed, so that it is whole or not there, and writing it twice changes nothing. What `put` has
returned from outlives a power loss: Redis' copy is deleted then.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tasks.messages import ChunkReport, RecordingFiles
from tasks.outputs.durable import keep

PARTIAL = ".partial-"


class SpooledChunk(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk gave. pts: of its own frames, in the recording's ticks; rows: ChunkRows."""

    pts: tuple[int, ...]
    rows: bytes
    report: ChunkReport


class ChunkSpool:
    """The spooled chunks of one recording."""

    def __init__(self, files: RecordingFiles, recording: str) -> None:
        """recording: its id."""
        self._outputs = Path(files.output) / files.name
        self._prefix = f"{PARTIAL}{recording}-"
        self.folder = self._outputs / f"{self._prefix}chunks"

    def put(self, index: int, chunk: SpooledChunk, videos: Mapping[str, bytes]) -> None:
        """Keep a chunk. Raises OSError (a full disk, a folder that cannot be written)."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            keep(self._outputs)
            keep(self._outputs.parent)
        for name, data in videos.items():
            self._write(self._video(index, name), data)
        self._write(self._chunk(index), msgspec.msgpack.encode(chunk))
        keep(self.folder)

    def chunk(self, index: int) -> SpooledChunk:
        """A chunk's numbers. Raises OSError where it is not there."""
        return msgspec.msgpack.decode(self._chunk(index).read_bytes(), type=SpooledChunk)

    def video(self, index: int, name: str) -> bytes:
        """One of a chunk's videos. Raises OSError where it is not there."""
        return self._video(index, name).read_bytes()

    def remove(self) -> None:
        """Delete the spool and what a killed assemble has left, and the recording's folder where
        nothing else is in it."""
        for left in self._outputs.glob(f"{self._prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
        if self._outputs.is_dir() and not any(self._outputs.iterdir()):
            self._outputs.rmdir()

    def _write(self, path: Path, data: bytes) -> None:
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".writing", delete=False) as file:
            file.write(data)
        keep(Path(file.name))
        Path(file.name).replace(path)

    def _chunk(self, index: int) -> Path:
        return self.folder / f"{index:06d}.rows"

    def _video(self, index: int, name: str) -> Path:
        return self.folder / f"{index:06d}-{name}.nut"
