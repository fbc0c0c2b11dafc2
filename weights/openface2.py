"""OpenFace 2's AU models: which files they are, and the one file they become in a weights folder.

A checkpoints folder has them below `openface2/`, laid out as OpenFace does; a weights folder has
them unchanged in `openface2_aus.zip`, so that one checksum stands for all. Which AU models are used
is what OpenFace's own list says. The list has no known checksum and is obeyed as it is; a model
that it names but whose checksum is not known is left out, and its AU then stays empty.

Imports no numpy: the command line reads it.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from weights.manifest import OPENFACE2_FOLDER, WeightsError

SHAPE_MODEL = "In-the-wild_aligned_PDM_68.txt"
TRIANGLES = "tris_68_full.txt"
AU_FOLDER = "AU_predictors"
AU_LIST = f"{AU_FOLDER}/AU_all_best.txt"

TAG = "OpenFace_2.2.0"
REPOSITORY = f"TadasBaltrusaitis/OpenFace/{TAG}/lib/local"
CHECKSUMS = Path(__file__).with_name("openface2.sha256")

ANY_DAY = (1980, 1, 1, 0, 0, 0)
"""The zip's files carry no time, so that the same files give the same bytes."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """content: of the zip; official: every file with a published checksum has it; left_out: listed
    models without a known one."""

    content: bytes
    official: bool
    left_out: tuple[str, ...]


@cache
def published() -> dict[str, str]:
    """The known checksums, by the file's place below `openface2/`."""
    lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
    return {file: checksum for checksum, file in (line.split(maxsplit=1) for line in lines)}


def place_on_github(file: str) -> str:
    """Where OpenFace's repository has a file, below raw.githubusercontent.com."""
    if file == SHAPE_MODEL:
        return f"{REPOSITORY}/LandmarkDetector/model/pdms/{file}"
    if file == TRIANGLES:
        return f"{REPOSITORY}/FaceAnalyser/{AU_FOLDER}/{file}"
    return f"{REPOSITORY}/FaceAnalyser/{file}"


def listed_models(text: str) -> list[tuple[str, str]]:
    """The (file below AU_predictors, AU) pairs of a list. Raises WeightsError where it is none."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or any(len(words) != 2 for words in lines):
        raise WeightsError(f"{AU_LIST} is not a list of AU models: fetch OpenFace 2's files again")
    return [(file.replace("\\", "/"), au) for file, au in lines]


def needed_files(list_text: str) -> tuple[list[str], list[str]]:
    """The files to have besides the list, and the listed ones that no checksum is known of."""
    listed = dict.fromkeys(f"{AU_FOLDER}/{file}" for file, _ in listed_models(list_text))
    known = [file for file in listed if file in published()]
    return [SHAPE_MODEL, TRIANGLES, *known], [file for file in listed if file not in published()]


def bundle(checkpoints: Path) -> Bundle | None:
    """The files below a checkpoints folder as one; None where there are none.

    Raises WeightsError where some are missing.
    """
    folder = checkpoints / OPENFACE2_FOLDER
    if not (folder / AU_LIST).is_file():
        return None
    needed, left_out = needed_files((folder / AU_LIST).read_text(encoding="utf-8"))
    missing = [file for file in needed if not (folder / file).is_file()]
    if missing:
        raise WeightsError(
            f"{folder} lacks {', '.join(missing)}: "
            "type 'facemirror weights fetch --aus openface2 --accept-license'"
        )
    contents = {file: (folder / file).read_bytes() for file in sorted([*needed, AU_LIST])}
    official = all(
        hashlib.sha256(contents[file]).hexdigest() == published()[file] for file in needed
    )
    return Bundle(zipped(contents), official, tuple(left_out))


def zipped(contents: dict[str, bytes]) -> bytes:
    """A zip of files by name, uncompressed: the same bytes on any day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file, content in contents.items():
            archive.writestr(zipfile.ZipInfo(file, ANY_DAY), content)
    return buffer.getvalue()
