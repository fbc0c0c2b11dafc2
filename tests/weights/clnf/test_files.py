"""Which files the landmark models are, and where they are published."""

from weights import openface2
from weights.clnf.files import (
    FOLDER,
    LANDMARK_MODELS,
    NEEDED,
    UNCONFIRMED,
    VALIDATOR,
    place_on_github,
    published,
)
from weights.openface2 import SHAPE_MODEL


def test_every_file_has_a_checksum():
    assert set(published()) == {*NEEDED, VALIDATOR}
    assert len(published()) == 13
    assert set(UNCONFIRMED) < set(published())


def test_files_lie_where_openfaces_tag_has_them():
    root = "TadasBaltrusaitis/OpenFace/OpenFace_2.2.0/lib/local/LandmarkDetector/model"
    coarse = LANDMARK_MODELS["face"].patch_experts[0]
    assert coarse == f"{FOLDER}/patch_experts/ccnf_patches_0.25_general.txt"
    assert place_on_github(coarse) == f"{root}/patch_experts/ccnf_patches_0.25_general.txt"
    assert place_on_github(VALIDATOR).startswith(f"{root}/detection_validation/validator_")
    assert place_on_github(SHAPE_MODEL) == openface2.place_on_github(SHAPE_MODEL)


def test_the_patients_right_eye_is_openfaces_left_one():
    right, left = LANDMARK_MODELS["right_eye"], LANDMARK_MODELS["left_eye"]
    assert "_l_eye_" in right.shape_model
    assert all("/left_ccnf_" in file for file in right.patch_experts)
    assert all("/ccnf_" in file for file in left.patch_experts)
