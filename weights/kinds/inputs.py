"""What the kinds of a model are tried with: noise, soft shapes, drawn faces; black and white."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from weights.demo.learning import samples
from weights.recipes import Recipe

SEED = 13
FACES = 2
SMALLEST_FACE, LARGEST_FACE = 0.3, 0.8  # of the detector's picture


def trial_inputs(name: str, recipe: Recipe) -> list[Tensor]:
    """Inputs of one model that its drift is measured on, the same each time."""
    draw = np.random.default_rng(SEED)
    side = recipe.input_shape[2]
    faces = [torch.from_numpy(_DRAWN[name](draw, side)) for _ in range(FACES)]
    return [*recipe.examples(), *(face.reshape(recipe.input_shape) for face in faces)]


def plain_inputs(recipe: Recipe) -> list[Tensor]:
    """A black and a white picture: nothing is to be found there, and nothing may go wrong."""
    shape = recipe.input_shape
    return [recipe.prepare(torch.full(shape, value)) for value in (0.0, 255.0)]


def _detector(draw: samples.Generator, side: int) -> samples.Tensor:
    picture, _ = samples.detector_sample(draw, side, SMALLEST_FACE * side, LARGEST_FACE * side)
    return picture


def _landmarks(draw: samples.Generator, _: int) -> samples.Tensor:
    return samples.landmark_sample(draw)[0]


def _mirrored_pair(draw: samples.Generator, _: int) -> samples.Tensor:
    return samples.au_samples(draw)[0]


def _picture_and_reflection(draw: samples.Generator, side: int) -> samples.Tensor:
    """As PFLD sees a face: RGB from 0 to 1, and its mirror image."""
    crop = torch.from_numpy(samples.landmark_sample(draw)[0])[None].flip(1) / 2 + 0.5
    small = torch.nn.functional.interpolate(crop, (side, side), mode="area")
    return torch.cat([small, small.flip(3)]).numpy()


_DRAWN: dict[str, Callable[[samples.Generator, int], samples.Tensor]] = {
    "retinaface_frame": _detector,
    "retinaface_face": _detector,
    "star98": _landmarks,
    "mtl_aus": _mirrored_pair,
    "pfld68": _picture_and_reflection,
}
