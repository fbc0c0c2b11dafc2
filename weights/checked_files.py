"""Files whose checksums a process has just computed, so that those it starts need not do it again.

A file counts as the same while its size, its last change and its place on the disk are the same.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """changed: ns since 1970, of the last change of its content; node: its number on the disk."""

    path: str
    size: int
    changed: int
    node: int
    sha256: str

    @classmethod
    def as_it_is(cls, path: Path, sha256: str) -> "CheckedFile":
        """Look at a file before its checksum is computed: no later change counts as checked then.

        sha256: what it has to be. Raises OSError.
        """
        status = path.stat()
        return cls(str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ino, sha256)


def is_checked(path: Path, sha256: str, checked: Collection[CheckedFile]) -> bool:
    """Whether a file was found to have a checksum, and is still what it was."""
    try:
        return CheckedFile.as_it_is(path, sha256) in checked
    except OSError:
        return False
