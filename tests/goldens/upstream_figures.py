"""Figures that upstream's own code gave, taken from ../shared: numbers without a picture."""

import json

import numpy as np

from tests.goldens.files import Figures
from tests.shared import shared

FRAMES = [f"default_{n:04d}" for n in (0, 40, 80, 120, 160, 200)]
FIRST, LIKELY = FRAMES[0], 0.02


def upstream_figures() -> Figures:
    """Needs ../shared/oracle."""
    oracle = shared("oracle")
    digests = json.loads((oracle / "seeded_digests.json").read_text())
    made: Figures = {f"{name}_sha256": digests[name]["all_sha256"] for name in ("star98", "mtl")}
    with np.load(oracle / "retinaface_golden.npz") as found:
        scores = found[f"{FIRST}/raw_conf"][0, :, 1]
        places = np.flatnonzero(scores >= LIKELY)
        made["anchors_sha256"] = str(found[f"{FIRST}/priors_sha256"])
        made["anchor_ends"] = found[f"{FIRST}/priors_first4_last4"]
        made["likely_places"] = places
        made["likely_offsets"] = found[f"{FIRST}/raw_loc"][0, places]
        made["likely_scores"] = scores[places]
        made["faces"] = found[f"{FIRST}/dets_all"][:, :5]
    with np.load(oracle / "star98_golden.npz") as found:
        made["boxes"] = np.stack([found[f"{frame}/box_int"] for frame in FRAMES])
        made["crop_matrices"] = np.stack([found[f"{frame}/matrix"].ravel() for frame in FRAMES])
        made["crop_points"] = found[f"{FIRST}/landmarks_norm"]
        made["frame_points"] = found[f"{FIRST}/landmarks_px"]
    with np.load(oracle / "mtl_golden.npz") as found:
        for name in ("features", "gnn_similarity", "au", "emotion", "gaze"):
            made[name] = np.stack([found[f"{frame}/{name}"].ravel() for frame in FRAMES[:3]])
    return made
