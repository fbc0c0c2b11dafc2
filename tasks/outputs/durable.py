"""What has to be on the disk itself before anything else is done: a power loss forgets the rest."""

import errno
import fcntl
import os
from pathlib import Path

FLUSH_DRIVE: int | None = getattr(fcntl, "F_FULLFSYNC", None)
"""A Mac's fsync leaves it in the drive's cache, this does not."""


def keep(path: Path) -> None:
    """Return when a file's content, or which files a folder has, is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _flush(descriptor)
    except OSError as error:
        # Shares of other systems do not know folders as something to flush.
        if not (path.is_dir() and error.errno in (errno.EINVAL, errno.ENOTSUP)):
            raise
    finally:
        os.close(descriptor)


def _flush(descriptor: int) -> None:
    if FLUSH_DRIVE is not None:
        try:
            fcntl.fcntl(descriptor, FLUSH_DRIVE)
        except OSError:
            pass  # not every file system has it
        else:
            return
    os.fsync(descriptor)
