"""RetinaFace with a MobileNetV1 backbone of width 0.25 (Deng et al. 2020, Pytorch_Retinaface).

Input: float32 [n,3,h,w], BGR minus (104,117,123). Output for P = sum of 2*(h/s)*(w/s) anchors over
the strides s = 8, 16, 32: raw box regressions [n,P,4] and face probabilities [n,P].
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ANCHORS_PER_CELL = 2
CLASSES = 2  # background, face


def _conv_bn(inside: int, outside: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inside, outside, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
    ]


def _conv_bn_leaky(inside: int, outside: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*_conv_bn(inside, outside, kernel, stride), nn.LeakyReLU(0.1))


def _separable(inside: int, outside: int, stride: int) -> nn.Sequential:
    """Depth-wise 3x3, then point-wise 1x1, each with batch norm and activation."""
    return nn.Sequential(
        nn.Conv2d(inside, inside, 3, stride, padding=1, groups=inside, bias=False),
        nn.BatchNorm2d(inside),
        nn.LeakyReLU(0.1),
        *_conv_bn(inside, outside, 1),
        nn.LeakyReLU(0.1),
    )


class Backbone(nn.Module):
    """MobileNetV1 0.25: feature maps of 64, 128 and 256 channels at strides 8, 16, 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(
            _conv_bn_leaky(3, 8, 3, stride=2),
            _separable(8, 16, 1),
            _separable(16, 32, 2),
            _separable(32, 32, 1),
            _separable(32, 64, 2),
            _separable(64, 64, 1),
        )
        self.stage2 = nn.Sequential(
            _separable(64, 128, 2), *(_separable(128, 128, 1) for _ in range(5))
        )
        self.stage3 = nn.Sequential(_separable(128, 256, 2), _separable(256, 256, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stage1(image)
        middle = self.stage2(fine)
        return fine, middle, self.stage3(middle)


class FeaturePyramid(nn.Module):
    """Adds each coarser map, enlarged, to the finer one; 64 channels everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.output1 = _conv_bn_leaky(64, 64, 1)
        self.output2 = _conv_bn_leaky(128, 64, 1)
        self.output3 = _conv_bn_leaky(256, 64, 1)
        self.merge1 = _conv_bn_leaky(64, 64, 3)
        self.merge2 = _conv_bn_leaky(64, 64, 3)

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> list[Tensor]:
        coarse = self.output3(coarse)
        middle = self.output2(middle)
        fine = self.output1(fine)
        middle = self.merge2(middle + _enlarged(coarse, middle))
        fine = self.merge1(fine + _enlarged(middle, fine))
        return [fine, middle, coarse]


def _enlarged(small: Tensor, large: Tensor) -> Tensor:
    return F.interpolate(small, size=large.shape[2:], mode="nearest")


class ContextModule(nn.Module):
    """SSH: 3x3, 5x5 and 7x7 receptive fields beside each other (Najibi et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv3X3 = nn.Sequential(*_conv_bn(64, 32, 3))
        self.conv5X5_1 = _conv_bn_leaky(64, 16, 3)
        self.conv5X5_2 = nn.Sequential(*_conv_bn(16, 16, 3))
        self.conv7X7_2 = _conv_bn_leaky(16, 16, 3)
        self.conv7x7_3 = nn.Sequential(*_conv_bn(16, 16, 3))

    def forward(self, x: Tensor) -> Tensor:
        shared = self.conv5X5_1(x)
        fields = [
            self.conv3X3(x),
            self.conv5X5_2(shared),
            self.conv7x7_3(self.conv7X7_2(shared)),
        ]
        return F.relu(torch.cat(fields, dim=1))


class Head(nn.Module):
    """A 1x1 convolution whose channels become rows: [n,64,h,w] to [n,2*h*w,width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.conv1x1 = nn.Conv2d(64, ANCHORS_PER_CELL * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        rows = ANCHORS_PER_CELL * x.shape[2] * x.shape[3]
        answer: Tensor = self.conv1x1(x)
        return answer.permute(0, 2, 3, 1).reshape(x.shape[0], rows, self.width)


class RetinaFace(nn.Module):
    """The detector. The five-point landmark heads are in the file but are not run."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Backbone()
        self.fpn = FeaturePyramid()
        self.ssh1 = ContextModule()
        self.ssh2 = ContextModule()
        self.ssh3 = ContextModule()
        self.ClassHead = nn.ModuleList(Head(CLASSES) for _ in range(3))
        self.BboxHead = nn.ModuleList(Head(4) for _ in range(3))
        self.LandmarkHead = nn.ModuleList(Head(10) for _ in range(3))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        pyramid = self.fpn(*self.body(image))
        contexts = (self.ssh1, self.ssh2, self.ssh3)
        maps = [context(level) for context, level in zip(contexts, pyramid, strict=True)]
        offsets = [head(level) for head, level in zip(self.BboxHead, maps, strict=True)]
        scores = [
            _face_probability(head(level)) for head, level in zip(self.ClassHead, maps, strict=True)
        ]
        return torch.cat(offsets, dim=1), torch.cat(scores, dim=1)


def _face_probability(logits: Tensor) -> Tensor:
    """[n,rows,2] to [n,rows]. Run on each map, before they are joined: the Core ML provider
    refuses operators with an input longer than 16384, and a frame has 16800 anchors."""
    n, rows, _ = logits.shape
    return logits.softmax(dim=2)[:, :, 1:].reshape(n, rows)
