"""Keeps all golden figures anew: python -m tests.goldens.make

Without torch the networks' answers stay as they are, and without ../shared upstream's figures do.
To be done only where tests/upstream passes; look at the difference.
"""

import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.goldens import figures
from tests.goldens.files import UPSTREAM, write
from tests.goldens.upstream_figures import upstream_figures
from tests.shared import SHARED


def main() -> None:
    """Writes the files beside this one."""
    with tempfile.TemporaryDirectory() as folder:
        write("networks_inputs", figures.networks_inputs())
        write("decoded_faces", figures.decoded_faces())
        write("openface2_aus", figures.openface2_aus(Path(folder)))
        write("followed_landmarks", figures.followed_landmarks(Path(folder)))
    if find_spec("torch") is not None:
        write("network_answers", figures.network_answers())
    if SHARED.is_dir():
        write(UPSTREAM, upstream_figures())


if __name__ == "__main__":
    main()
