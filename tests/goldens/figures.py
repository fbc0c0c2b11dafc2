"""Our own answers to inputs that are made from seeds: one function a subject.

They were kept at a moment when tests/upstream passed, so when an answer changes here, it is no
longer upstream's.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.goldens.files import Figures
from tests.stand_ins.landmark_models import drawn, face_at, write_checkpoints
from tests.stand_ins.openface2 import write_openface2
from tests.stand_ins.points68 import OF_98
from weights.clnf.packing import packed
from weights.demo.phantom import Activations, Appearance, FacePose, SideActivations, render, truth
from workers.aus.openface2.descriptor import describe
from workers.aus.openface2.models import read_openface2
from workers.clnf.model_file import load_landmark_models
from workers.clnf.tracker import INITIAL_WINDOWS, TRACKING_WINDOWS, LandmarkTracker
from workers.face.crops.alignment import aligned, aligning_map
from workers.face.crops.face_mask import face_mask
from workers.face.shape.shape_model import rotation_matrix
from workers.models import multitask, pfld68, star98
from workers.models.retinaface import decode, letterboxed

POSE = FacePose(330.0, 236.0, 250.0, roll=9.0)
BOX = np.array([208.0, 97.0, 441.0, 371.0])
WEAK = SideActivations(au12=0.4, au25=0.6)
STRONG = SideActivations(au12=1.0, au25=0.6, au45=0.7)
BLOCK = 32
"""Px of an input that are averaged to one figure."""


def smiling_phantom() -> NDArray[np.uint8]:
    """A BGR picture (480, 640, 3)."""
    return render(POSE, Activations(WEAK, STRONG), Appearance.from_seed(90002), 640, 480)


def block_means(tensor: NDArray[np.floating]) -> NDArray[np.float64]:
    """Averages of blocks of an input (1, C, H, W), row by row: (C · blocks down, blocks across)."""
    planes = tensor[0].astype(np.float64)
    channels, height, width = planes.shape
    down, across = height // BLOCK, width // BLOCK
    cropped = planes[:, : down * BLOCK, : across * BLOCK]
    blocks = cropped.reshape(channels, down, BLOCK, across, BLOCK)
    return blocks.mean(axis=(2, 4)).reshape(channels * down, across)


def networks_inputs() -> Figures:
    """What RetinaFace, STAR, MTL and PFLD are given of a picture."""
    picture = smiling_phantom()
    shrunk, scale = letterboxed(picture, 192, 192)
    matrix = star98.crop_matrix(BOX)
    cropped = star98.as_input(star98.crop(picture, matrix))
    return {
        "retinaface": block_means(shrunk),
        "retinaface_scale": np.array([scale]),
        "star_matrix": matrix,
        "star": block_means(cropped),
        "star_back": star98.to_frame(np.array([[-1.0, -1.0], [0.5, 0.25], [1.0, 1.0]]), matrix),
        "multitask": block_means(multitask.as_input(picture, BOX)),
        "pfld": block_means(pfld68.as_input(picture[100:212, 200:312])),
    }


def decoded_faces() -> Figures:
    """What is made of RetinaFace's outputs."""
    random = np.random.default_rng(11)
    offsets = random.normal(0.0, 1.0, (16800, 4)).astype(np.float32)
    scores = (random.uniform(0.0, 1.0, 16800) ** 8).astype(np.float32)
    found = decode(offsets, scores, 640, 640, 0.5)
    return {
        "count": np.array([len(found)]),
        "boxes": found.boxes[:40],
        "scores": found.scores[:40],
    }


def openface2_aus(folder: Path) -> Figures:
    """From a picture and its landmarks to what OpenFace 2's kind of AU models answer."""
    models = read_openface2(write_openface2(folder))
    points = smiling_points()
    picture = smiling_phantom()
    found = describe(models.shape_model, models.triangles, picture, points)
    to_aligned = aligning_map(models.shape_model, found.fit, points)
    mask = face_mask(points, to_aligned, models.triangles)
    face = aligned(picture, to_aligned).astype(float) * mask[..., None]
    features = found.features(models.shape_model)
    return {
        "fit": found.fit.values(),
        "aligning_map": to_aligned,
        "mask_rows": mask.sum(axis=1),
        "aligned_rows": face.mean(axis=(1, 2)),
        "gradients": found.hog[::37],
        "geometry": features[found.hog.size :: 7],
        "responses": models.predictors.responses(features),
        "neutral_responses": models.predictors.neutral_responses(0.9 * features),
    }


def smiling_points() -> NDArray[np.float64]:
    """The 68 landmarks (68, 2), px, of the smiling phantom."""
    return truth(POSE, Activations(WEAK, STRONG)).points[OF_98]


def followed_landmarks(folder: Path) -> Figures:
    """OpenFace 2's tracker on a face of dots: found, then followed for two pictures."""
    path = folder / "clnf68.npz"
    path.write_bytes(packed(write_checkpoints(folder)).content)
    tracker, found, figures = LandmarkTracker(load_landmark_models(path)), None, {}
    for step in range(3):
        rotation = rotation_matrix(np.array([0.05, 0.1 + 0.03 * step, -0.1]))
        local = (12.0, -9.0, 6.0 - step, 5.0)
        points, _ = face_at(1.6, (300.0 + 5 * step, 240.0), local=local, rotation=rotation)
        grey = drawn(points, 1.6)
        if found is None:
            found = tracker.follow(grey, points + np.array([3.0, -2.0]), INITIAL_WINDOWS)
        else:
            found = tracker.follow(grey, found.fit, TRACKING_WINDOWS)
        assert found.success
        figures[f"points{step}"] = found.points
        figures[f"fit{step}"] = found.fit.values()
        figures[f"certainty{step}"] = np.array([found.certainty])
    return figures


def network_answers() -> Figures:
    """The seeded networks' answers, by torch; a conversion is refused where ONNX disagrees."""
    import torch

    from tests.stand_ins.checkpoints import NETWORKS, state

    picture = smiling_phantom()
    face = multitask.as_input(picture, BOX)
    cropped = star98.as_input(star98.crop(picture, star98.crop_matrix(BOX)))
    small, _ = letterboxed(picture, 192, 192)

    def seeded(name):
        network = NETWORKS[name]().eval()
        network.load_state_dict(state(name))
        return network

    with torch.inference_mode():
        points, confidence = seeded("star98")(torch.from_numpy(cropped))
        offsets, scores = seeded("retinaface")(torch.from_numpy(small))
        network, pair = seeded("mtl"), torch.from_numpy(np.concatenate([face, face[..., ::-1]]))
        emotions, gaze = network.emotion_gaze(pair)
        aus = network.action_units(pair)
    return {
        "star_points": points[0].numpy(),
        "star_confidence": confidence.numpy(),
        "aus": aus.numpy(),
        "emotions": emotions.numpy(),
        "gaze": gaze.numpy(),
        "retinaface_offsets": offsets[0, ::25].numpy(),
        "retinaface_scores": scores[0, ::25].numpy(),
    }
