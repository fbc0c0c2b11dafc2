"""OpenFace 2's own landmark models: which files they are, where they are published.

A checkpoints folder has them below `openface2/`, the landmark models below `openface2/landmarks/`
as OpenFace lays them out. Imports no numpy: the command line reads it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from weights import openface2
from weights.openface2 import REPOSITORY, SHAPE_MODEL

CHECKSUMS = Path(__file__).with_name("files.sha256")
FOLDER = "landmarks"


@dataclass(frozen=True, slots=True)
class LandmarkModelFiles:
    """The files of one landmark model, experts by scale, coarse ones first."""

    shape_model: str
    patch_experts: tuple[str, ...]


# Right and left are the patient's; OpenFace's names mean the picture's.
LANDMARK_MODELS = {
    "face": LandmarkModelFiles(
        SHAPE_MODEL,
        (
            f"{FOLDER}/patch_experts/ccnf_patches_0.25_general.txt",
            f"{FOLDER}/patch_experts/ccnf_patches_0.35_general.txt",
            f"{FOLDER}/patch_experts/ccnf_patches_0.5_general.txt",
        ),
    ),
    "inner": LandmarkModelFiles(
        f"{FOLDER}/model_inner/pdms/pdm_51_inner.txt",
        (f"{FOLDER}/model_inner/patch_experts/ccnf_patches_1.00_inner.txt",),
    ),
    "right_eye": LandmarkModelFiles(
        f"{FOLDER}/model_eye/pdms/pdm_28_l_eye_3D_closed.txt",
        (
            f"{FOLDER}/model_eye/patch_experts/left_ccnf_patches_1.00_synth_lid_.txt",
            f"{FOLDER}/model_eye/patch_experts/left_ccnf_patches_1.50_synth_lid_.txt",
        ),
    ),
    "left_eye": LandmarkModelFiles(
        f"{FOLDER}/model_eye/pdms/pdm_28_eye_3D_closed.txt",
        (
            f"{FOLDER}/model_eye/patch_experts/ccnf_patches_1.00_synth_lid_.txt",
            f"{FOLDER}/model_eye/patch_experts/ccnf_patches_1.50_synth_lid_.txt",
        ),
    ),
}

VALIDATOR = f"{FOLDER}/detection_validation/validator_general_68.txt"
"""Models work without it, but then say nothing of how sure they are."""

NEEDED = tuple(
    file for files in LANDMARK_MODELS.values() for file in (files.shape_model, *files.patch_experts)
)

UNCONFIRMED = (
    f"{FOLDER}/patch_experts/ccnf_patches_0.35_general.txt",
    f"{FOLDER}/patch_experts/ccnf_patches_0.5_general.txt",
    VALIDATOR,
)
"""Known from the program that was measured against; that the tag has the same is expected only."""


@cache
def published() -> dict[str, str]:
    """The checksums of all files, by their place below `openface2/`."""
    lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines)
    known = {f"{FOLDER}/{file}": checksum for checksum, file in pairs}
    return {SHAPE_MODEL: openface2.published()[SHAPE_MODEL]} | known


def place_on_github(file: str) -> str:
    """Where OpenFace's repository has a file, below raw.githubusercontent.com."""
    if file == SHAPE_MODEL:
        return openface2.place_on_github(file)
    return f"{REPOSITORY}/LandmarkDetector/model/{file.removeprefix(f'{FOLDER}/')}"
