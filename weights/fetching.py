"""Fetches published checkpoints, from Hugging Face and GitHub, for the person who runs this.

They are never shipped with this project. What arrives must have the pinned checksum.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from weights.clnf import files
from weights.manifest import (
    CHECKPOINTS,
    OPENFACE2_FOLDER,
    AuMethod,
    Checkpoint,
    WeightsError,
    sha256_of,
)
from weights.openface2 import AU_LIST, TAG, needed_files, place_on_github, published

LICENCE_NOTES: dict[AuMethod, str] = {
    "openface3": (
        "The OpenFace 3.0 checkpoints are given for academic, non-commercial research only, by the "
        "licence in their repository. By fetching them you accept that licence for yourself."
    ),
    "openface2": (
        "OpenFace 2's models are given for academic or non-profit, non-commercial research only, "
        "by OpenFace-license.txt in github.com/TadasBaltrusaitis/OpenFace. By fetching them you "
        "accept that licence for yourself."
    ),
}
GITHUB = "https://raw.githubusercontent.com"
PATIENCE = 60.0  # seconds without an answer

NOT_FOUND = 404  # HTTP

Say = Callable[[str], None]


class NotPublishedError(WeightsError):
    """What was asked for is not there, or is another file than the known one."""


def fetch(
    out_dir: str | os.PathLike[str],
    accept_license: bool,
    *,
    method: AuMethod = "openface3",
    checkpoints: Iterable[Checkpoint] | None = None,
    github: str = GITHUB,
    say: Say = lambda _: None,
) -> list[Path]:
    """Fetches what an AU method needs into `out_dir`, or only some checkpoints; returns the paths.

    A file already there with the right checksum is kept. Interrupted, it goes on where it stopped.
    Raises WeightsError when the licence is not accepted, a server cannot be reached, or a file is
    not the published one (it is then removed).
    """
    if not accept_license:
        raise WeightsError(f"{LICENCE_NOTES[method]} To accept, add --accept-license.")
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = checkpoints
    if chosen is None:
        chosen = [one for one in CHECKPOINTS.values() if method in one.methods]
    paths = [_fetch_checkpoint(checkpoint, folder, github, say) for checkpoint in chosen]
    if checkpoints is None and method == "openface2":
        paths += fetch_openface2(folder / OPENFACE2_FOLDER, github, say)
        paths += fetch_landmark_models(folder / OPENFACE2_FOLDER, github, say)
    return paths


def _fetch_checkpoint(checkpoint: Checkpoint, folder: Path, github: str, say: Say) -> Path:
    path = folder / checkpoint.file
    if path.is_file() and sha256_of(path) == checkpoint.sha256:
        say(f"{path} is there already")
        return path
    if checkpoint.repository is not None:
        _download(checkpoint, checkpoint.repository, folder)
    else:
        _download_from_github(f"{github}/{checkpoint.github}", path)
    refuse_other_content(path, checkpoint.sha256)
    say(f"{path} fetched, its checksum is the published one")
    return path


def fetch_openface2(folder: Path, github: str, say: Say) -> list[Path]:
    """Fetches OpenFace 2's AU models: the list first, then what it names."""
    list_path = folder / AU_LIST
    _download_from_github(f"{github}/{place_on_github(AU_LIST)}", list_path)
    needed, left_out = needed_files(list_path.read_text(encoding="utf-8"))
    for file in needed:
        address = f"{github}/{place_on_github(file)}"
        _fetch_from_github(address, folder / file, published()[file])
    say(f"{folder}: {len(needed)} files, their checksums are the published ones")
    for file in left_out:
        say(f"left out: {file} is listed, but no checksum is known of it; its AU will stay empty")
    return [list_path, *(folder / file for file in needed)]


def fetch_landmark_models(folder: Path, github: str, say: Say) -> list[Path]:
    """Fetches OpenFace 2's landmark models.

    Files that are only expected to be at its tag are left out where they are not, and said.
    """
    paths = []
    for file, checksum in files.published().items():
        try:
            address = f"{github}/{files.place_on_github(file)}"
            _fetch_from_github(address, folder / file, checksum)
        except NotPublishedError:
            if file not in files.UNCONFIRMED:
                raise
            say(f"left out: tag {TAG} has no {file} with the known checksum; {_loss(file)}")
        else:
            paths.append(folder / file)
    say(f"{folder}: {len(paths)} files of landmark models, their checksums are the published ones")
    return paths


def _loss(file: str) -> str:
    if file == files.VALIDATOR:
        return "the landmark models work without it, but do not say how sure they are"
    return "the landmark models cannot be converted without it"


def _fetch_from_github(address: str, path: Path, sha256: str) -> None:
    """Leaves a file with this checksum as it is."""
    if not path.is_file() or sha256_of(path) != sha256:
        _download_from_github(address, path)
        refuse_other_content(path, sha256)


def _download(checkpoint: Checkpoint, repository: str, folder: Path) -> None:
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(repo_id=repository, filename=checkpoint.file, local_dir=folder)
    except Exception as error:  # its HTTP client, and so its errors, differ between releases
        raise _not_fetched(checkpoint.file, repository, error) from error


def _download_from_github(address: str, path: Path) -> None:
    """Through the hub's HTTP client, which knows proxies and certificates."""
    from huggingface_hub import get_session

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        answer = get_session().get(address, follow_redirects=True, timeout=PATIENCE)
        answer.raise_for_status()
    except Exception as error:
        not_found = getattr(getattr(error, "response", None), "status_code", None) == NOT_FOUND
        kind = NotPublishedError if not_found else WeightsError
        raise _not_fetched(path.name, address, error, kind) from error
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(answer.content)
    partial.replace(path)


def _not_fetched(
    file: str, source: str, error: Exception, kind: type[WeightsError] = WeightsError
) -> WeightsError:
    reason = " ".join(str(error).split())
    return kind(
        f"{file} could not be fetched from {source} ({reason}): "
        "check the connection and type the command again, it goes on where it stopped"
    )


def refuse_other_content(path: Path, sha256: str) -> None:
    """Removes a file that is not the published one, and raises NotPublishedError."""
    if sha256_of(path) == sha256:
        return
    size = path.stat().st_size
    path.unlink()
    raise NotPublishedError(
        f"{path} was removed: what arrived ({size} bytes) is not the published file. "
        "Type the command again; if it happens again, the file was changed where it is published"
    )
