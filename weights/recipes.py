"""How each converted model is built: its network, its names, and inputs to try it with."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from weights.architectures.multitask import Multitask
from weights.architectures.retinaface import RetinaFace
from weights.architectures.star98 import Star98


class Exported(nn.Module):
    """One function of a checkpointed network, as a network of its own."""

    def __init__(self, checkpointed: nn.Module, answer: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.checkpointed = checkpointed
        self.answer = answer

    def forward(self, pixels: Tensor) -> object:
        return self.answer(pixels)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What `weights.conversion` needs to make one model."""

    network: Callable[[], Exported]
    input_name: str
    output_names: tuple[str, ...]
    input_shape: tuple[int, int, int, int]
    prepare: Callable[[Tensor], Tensor]  # pixels 0..255 to the network's input

    def examples(self) -> list[Tensor]:
        """Seeded inputs in the network's range: noise, then soft shapes as photographs have."""
        generator = torch.Generator().manual_seed(0)
        pictures = [_soft(self.input_shape, cells, generator) for cells in (6, 24)]
        noise = torch.rand(self.input_shape, generator=generator)
        return [self.prepare(pixels * 255) for pixels in (noise, *pictures)]


def _soft(shape: tuple[int, int, int, int], cells: int, generator: torch.Generator) -> Tensor:
    coarse = torch.rand(*shape[:2], cells, cells, generator=generator)
    return F.interpolate(coarse, shape[2:], mode="bilinear", align_corners=True)


def _minus_mean(pixels: Tensor) -> Tensor:
    return pixels - torch.tensor([104.0, 117.0, 123.0]).reshape(1, 3, 1, 1)


def _around_zero(pixels: Tensor) -> Tensor:
    return pixels / 255 * 2 - 1


def _imagenet(pixels: Tensor) -> Tensor:
    mean = torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1)
    return (pixels / 255 - mean) / deviation


def _retinaface() -> Exported:
    network = RetinaFace()
    return Exported(network, network.forward)


def _star98() -> Exported:
    network = Star98()
    return Exported(network, network.forward)


def _action_units() -> Exported:
    network = Multitask()
    return Exported(network, network.action_units)


def _emotion_gaze() -> Exported:
    network = Multitask()
    return Exported(network, network.emotion_gaze)


_DETECTION = ("offsets", "scores")

RECIPES = {
    "retinaface_frame": Recipe(_retinaface, "image", _DETECTION, (1, 3, 640, 640), _minus_mean),
    "retinaface_face": Recipe(_retinaface, "image", _DETECTION, (1, 3, 192, 192), _minus_mean),
    "star98": Recipe(_star98, "image", ("points", "confidence"), (1, 3, 256, 256), _around_zero),
    "mtl_aus": Recipe(_action_units, "faces", ("aus",), (2, 3, 224, 224), _imagenet),
    "mtl_emotion_gaze": Recipe(
        _emotion_gaze, "faces", ("emotions", "gaze"), (2, 3, 224, 224), _imagenet
    ),
}
