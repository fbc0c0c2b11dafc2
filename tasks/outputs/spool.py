"""Results of chunks on the disk of the lab server, from when they leave Redis until the end.

One hidden folder beside the recording's outputs, with a file for each chunk: what its worker packed
(tasks.results). It is written beside its name and renamed, so that it is whole or not there, and
writing it twice changes nothing. What was put before `settle` returned outlives a power loss:
Redis' copy is deleted then.
"""

import shutil
import tempfile
from pathlib import Path

from tasks.messages import RecordingFiles
from tasks.outputs.durable import keep
from tasks.results import ChunkResult, read_numbers, read_video

PARTIAL = ".partial-"


class ChunkSpool:
    """The spooled chunks of one recording."""

    def __init__(self, files: RecordingFiles, recording: str) -> None:
        """recording: its id."""
        self._outputs = Path(files.output) / files.name
        self._prefix = f"{PARTIAL}{recording}-"
        self.folder = self._outputs / f"{self._prefix}chunks"

    def put(self, index: int, packed: bytes) -> None:
        """Write a chunk's result. Raises OSError (a full disk, a folder that cannot be written)."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            keep(self._outputs)
            keep(self._outputs.parent)
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".writing", delete=False) as file:
            file.write(packed)
        keep(Path(file.name))
        Path(file.name).replace(self._chunk(index))

    def settle(self) -> None:
        """Return when all that was put is on the disk, under its name. Raises OSError."""
        if self.folder.exists():
            keep(self.folder)

    def chunk(self, index: int) -> ChunkResult:
        """A chunk's numbers. Raises OSError where it is not there, ResultError."""
        with self._chunk(index).open("rb") as file:
            return read_numbers(file)

    def video(self, index: int, name: str) -> bytes:
        """One of a chunk's videos. Raises OSError where it is not there, ResultError."""
        with self._chunk(index).open("rb") as file:
            return read_video(file, name)

    def remove(self) -> None:
        """Delete the spool and what a killed assemble has left, and the recording's folder where
        nothing else is in it."""
        for left in self._outputs.glob(f"{self._prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
        if self._outputs.is_dir() and not any(self._outputs.iterdir()):
            self._outputs.rmdir()

    def _chunk(self, index: int) -> Path:
        return self.folder / f"{index:06d}.result"
