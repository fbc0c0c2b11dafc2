"""Running the installed `facemirror` command as a person does."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("facemirror")


def facemirror(*arguments: object, timeout: float = 280) -> subprocess.CompletedProcess[str]:
    """The finished command."""
    line = [str(COMMAND), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=timeout, check=False)


def started(*arguments: object, folder: Path) -> "subprocess.Popen[str]":
    """The command, running; temporary files go to `folder`."""
    return subprocess.Popen(
        [str(COMMAND), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
        start_new_session=True,
    )
