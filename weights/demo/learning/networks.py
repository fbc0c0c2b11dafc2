"""The three demo networks: small, and with the real models' inputs and outputs."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from weights.demo.face_shape import PARTNER

ANCHOR_SIZES = {8: (16.0, 32.0), 16: (64.0, 128.0), 32: (256.0, 512.0)}


def block(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def enlarged(features: Tensor) -> Tensor:
    """Twice as high and wide."""
    return F.interpolate(features, scale_factor=2.0, mode="nearest")


class Detector(nn.Module):
    """Faces in a picture, answered for RetinaFace's anchors.

    image (1, 3, S, S), BGR minus the mean, S a multiple of 32; offsets (1, A, 4), scores (1, A).
    """

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(block(3, 24, 4, size=5), block(24, 32, 2))
        self.middle = nn.Sequential(block(32, 40, 2), block(40, 40))
        self.coarse = nn.Sequential(block(40, 48, 2), block(48, 48), block(48, 48))
        self.down = nn.Conv2d(48, 40, 1)
        self.merge = block(40, 40)
        self.heads = nn.ModuleList(nn.Conv2d(width, 10, 1) for width in (32, 40, 48))
        self.rarity = nn.Parameter(torch.tensor(-3.0))  # most anchors see no face

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets (N, A, 4) and scores before the sigmoid (N, A)."""
        fine = self.fine(image / 64.0)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        middle = self.merge(middle + enlarged(self.down(coarse)))
        rows = [
            head(features).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 5))
            for head, features in zip(self.heads, (fine, middle, coarse), strict=True)
        ]
        answer = torch.cat(rows, dim=1)
        return answer[..., :4], answer[..., 4] + self.rarity

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        offsets, logits = self.logits(image)
        return offsets, torch.sigmoid(logits)


class Landmarker(nn.Module):
    """98 WFLW points: one heat map each, read out by a soft-argmax; the mean of what is seen in a
    picture and in its mirror image.

    image (1, 3, 256, 256), BGR in [-1, 1]; points (1, 98, 2) in [-1, 1], confidence (1,).
    """

    CELLS = 64

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(block(3, 16, 2, size=5), block(16, 32, 2))
        self.to32 = nn.Sequential(block(32, 64, 2), block(64, 64))
        self.to16 = nn.Sequential(block(64, 64, 2), block(64, 64))
        self.to8 = nn.Sequential(block(64, 64, 2), block(64, 64))
        self.at16, self.at32 = block(64, 64), block(64, 64)
        self.narrow, self.at64 = nn.Conv2d(64, 32, 1), block(32, 32)
        self.maps = nn.Conv2d(32, 98, 1)
        self.face = nn.Linear(64, 1)
        centres = (torch.arange(self.CELLS) * 2.0 + 1.0) / self.CELLS - 1.0
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        self.grid: Tensor
        self.register_buffer("grid", torch.stack([x.flatten(), y.flatten()], dim=1))
        self.partner: Tensor
        self.register_buffer("partner", torch.from_numpy(PARTNER), persistent=False)

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points (N, 98, 2), the logarithms of their heat maps (N, 98, CELLS²), and the confidence
        before the sigmoid (N,)."""
        f64 = self.stem(image)
        f32 = self.to32(f64)
        f16 = self.to16(f32)
        f8 = self.to8(f16)
        f16 = self.at16(f16 + enlarged(f8))
        f32 = self.at32(f32 + enlarged(f16))
        f64 = self.at64(f64 + enlarged(self.narrow(f32)))
        heat = torch.log_softmax(self.maps(f64).flatten(2), dim=2)
        face = self.face(f8.mean(dim=(2, 3))).squeeze(1)
        return torch.matmul(heat.exp(), self.grid), heat, face

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        points, _, logits = self.logits(torch.cat([image, image.flip(3)]))
        seen, mirrored = points.chunk(2)
        mirrored = mirrored[:, self.partner] * torch.tensor([-1.0, 1.0])
        face, mirrored_face = logits.chunk(2)
        return (seen + mirrored) / 2.0, torch.sigmoid((face + mirrored_face) / 2.0)


class ActionUnits(nn.Module):
    """How strongly eight AUs are driven in mirrored faces.

    faces (2, 3, 224, 224), RGB, ImageNet normalised; aus (2, 8) in [0, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            block(3, 16, 2, size=5),
            block(16, 24, 2),
            block(24, 40, 2),
            block(40, 40),
            block(40, 64, 2),
            block(64, 64),
            block(64, 48, 2),
        )
        self.hidden = nn.Linear(48 * 7 * 7, 64)
        self.answer = nn.Linear(64, 8)

    def raw(self, faces: Tensor) -> Tensor:
        """(N, 8), not held to [0, 1]."""
        hidden = torch.relu(self.hidden(self.features(faces).flatten(1)))
        answer: Tensor = self.answer(hidden)
        return answer

    def forward(self, faces: Tensor) -> Tensor:
        return torch.clamp(self.raw(faces), 0.0, 1.0)
