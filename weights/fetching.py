"""Fetches the published checkpoints from Hugging Face for the person who runs this.

They are never shipped with this project. What arrives must have the pinned checksum.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from weights.manifest import CHECKPOINTS, Checkpoint, WeightsError, sha256_of

LICENCE_NOTE = (
    "The OpenFace 3.0 checkpoints are given for academic, non-commercial research only, by the "
    "licence in their repository. By fetching them you accept that licence for yourself."
)


def fetch(
    out_dir: str | os.PathLike[str],
    accept_license: bool,
    *,
    checkpoints: Iterable[Checkpoint] = tuple(CHECKPOINTS.values()),
    say: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Fetches every checkpoint that has a repository into `out_dir`; returns their paths.

    A file already there with the right checksum is kept. An interrupted download goes on where it
    stopped. Raises WeightsError when the licence is not accepted, the hub cannot be reached, or a
    file is not the published one (it is then removed).
    """
    if not accept_license:
        raise WeightsError(f"{LICENCE_NOTE} To accept, add --accept-license.")
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for checkpoint in checkpoints:
        if checkpoint.repository is None:
            continue
        path = folder / checkpoint.file
        if path.is_file() and sha256_of(path) == checkpoint.sha256:
            say(f"{path} is there already")
        else:
            _download(checkpoint, checkpoint.repository, folder)
            refuse_other_content(checkpoint, path)
            say(f"{path} fetched, its checksum is the published one")
        paths.append(path)
    return paths


def _download(checkpoint: Checkpoint, repository: str, folder: Path) -> None:
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(repo_id=repository, filename=checkpoint.file, local_dir=folder)
    except Exception as error:  # its HTTP client, and so its errors, differ between releases
        reason = " ".join(str(error).split())
        raise WeightsError(
            f"{checkpoint.file} could not be fetched from {repository} ({reason}): "
            "check the connection and type the command again, it goes on where it stopped"
        ) from error


def refuse_other_content(checkpoint: Checkpoint, path: Path) -> None:
    """Removes a file that is not the published one, and raises WeightsError."""
    size = path.stat().st_size
    if checkpoint.size in (None, size) and sha256_of(path) == checkpoint.sha256:
        return
    path.unlink()
    raise WeightsError(
        f"{path} was removed: what arrived ({size} bytes) is not the published checkpoint. "
        "Type the command again; if it happens again, the file was changed where it is published"
    )
