"""Upstream's answers, and inputs prepared as upstream prepares them."""

import json

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.shared import shared

FRAMES = ("default_0000", "default_0040", "default_0080", "default_0120", "default_0160")


def golden(model: str, frame: str, array: str) -> NDArray[np.generic]:
    with np.load(shared("oracle", f"{model}_golden.npz")) as arrays:
        return arrays[f"{frame}/{array}"]


def layout(model: str) -> list[tuple[str, tuple[int, ...], str]]:
    """Key, shape and type of every tensor of the checkpoint, in its order."""
    rows = json.loads(shared("oracle", f"layout_{model}.json").read_text())["state_dict"]
    return [(row["key"], tuple(row["shape"]), row["dtype"]) for row in rows]


def detector_input(frame: str) -> NDArray[np.float32]:
    bgr = cv2.imread(str(shared("oracle", "frames", f"{frame}.png"))).astype(np.float32)
    return _planes(bgr - np.float32([104, 117, 123]))


def landmark_input(frame: str) -> NDArray[np.float32]:
    crop = golden("star98", frame, "crop_bgr_u8").astype(np.float32)
    return _planes(crop / np.float32(255) * 2 - 1)


def _planes(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis])
