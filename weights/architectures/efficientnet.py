"""EfficientNet-B0 as TensorFlow built it (Tan & Le 2019): timm's `tf_efficientnet_b0`.

Written here because timm imports torchvision, which has no CPU build that loads beside the pinned
torch. Keys are timm's. What differs from a plain torch network: "SAME" padding, which puts the odd
pixel of a stride-2 convolution at the right and the bottom, and a batch-norm epsilon of 1e-3.

Input: float32 [n,3,224,224]; output: 1280 pooled features a face. Padding depends on the input's
size, so the size is fixed when the network is built.
"""

from torch import Tensor, nn
from torch.nn import functional as F

INPUT_SIZE = 224
FEATURES = 1280
BATCH_NORM_EPSILON = 1e-3

# (repeats, kernel, stride of the first, expansion, output channels), stage by stage
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON)


def _point_wise(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 1, bias=False)


class SameConv(nn.Conv2d):
    """A square convolution that answers with ceil(size / stride) rows and columns."""

    def __init__(
        self, size: int, inside: int, outside: int, kernel: int, *, stride: int, groups: int = 1
    ) -> None:
        super().__init__(inside, outside, kernel, stride, groups=groups, bias=False)
        self.answer_size = -(-size // stride)
        missing = max((self.answer_size - 1) * stride + kernel - size, 0)
        self.before = missing // 2
        self.after = missing - self.before

    def forward(self, input: Tensor) -> Tensor:
        border = (self.before, self.after, self.before, self.after)
        if self.before != self.after:
            return super().forward(F.pad(input, border))
        return F.conv2d(input, self.weight, None, self.stride, self.before, groups=self.groups)


class SqueezeExcite(nn.Module):
    """Weighs each channel by what the whole map says (Hu et al. 2018)."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = F.silu(self.conv_reduce(x.mean(dim=(2, 3), keepdim=True)))
        gate: Tensor = self.conv_expand(squeezed).sigmoid()
        return x * gate


class SeparableBlock(nn.Module):
    """The first stage's block, which does not expand."""

    def __init__(self, size: int, inside: int, outside: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = SameConv(size, inside, inside, kernel, stride=stride, groups=inside)
        self.bn1 = _batch_norm(inside)
        self.se = SqueezeExcite(inside, inside // 4)
        self.conv_pw = _point_wise(inside, outside)
        self.bn2 = _batch_norm(outside)

    def forward(self, x: Tensor) -> Tensor:
        x = self.se(F.silu(self.bn1(self.conv_dw(x))))
        answer: Tensor = self.bn2(self.conv_pw(x))
        return answer


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; added to its input where the shapes agree."""

    def __init__(
        self, size: int, inside: int, outside: int, kernel: int, *, stride: int, expansion: int
    ) -> None:
        super().__init__()
        wide = inside * expansion
        self.conv_pw = _point_wise(inside, wide)
        self.bn1 = _batch_norm(wide)
        self.conv_dw = SameConv(size, wide, wide, kernel, stride=stride, groups=wide)
        self.bn2 = _batch_norm(wide)
        self.se = SqueezeExcite(wide, inside // 4)
        self.conv_pwl = _point_wise(wide, outside)
        self.bn3 = _batch_norm(outside)
        self.adds = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        inner = F.silu(self.bn1(self.conv_pw(x)))
        inner = self.se(F.silu(self.bn2(self.conv_dw(inner))))
        answer: Tensor = self.bn3(self.conv_pwl(inner))
        return answer + x if self.adds else answer


class EfficientNetB0(nn.Module):
    """The backbone without its classifier: [n,3,224,224] to [n,1280]."""

    def __init__(self, size: int = INPUT_SIZE) -> None:
        super().__init__()
        self.conv_stem = SameConv(size, 3, 32, 3, stride=2)
        self.bn1 = _batch_norm(32)
        self.blocks, last = _stages(self.conv_stem.answer_size, 32)
        self.conv_head = _point_wise(last, FEATURES)
        self.bn2 = _batch_norm(FEATURES)

    def forward(self, image: Tensor) -> Tensor:
        x = self.blocks(F.silu(self.bn1(self.conv_stem(image))))
        return F.silu(self.bn2(self.conv_head(x))).mean(dim=(2, 3))


def _stages(size: int, inside: int) -> tuple[nn.Sequential, int]:
    """All stages, and the channels of the last."""
    stages = nn.Sequential()
    for repeats, kernel, first_stride, expansion, outside in STAGES:
        stage = nn.Sequential()
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            if expansion == 1:
                stage.append(SeparableBlock(size, inside, outside, kernel, stride))
            else:
                block = InvertedResidual(
                    size, inside, outside, kernel, stride=stride, expansion=expansion
                )
                stage.append(block)
            size, inside = -(-size // stride), outside
        stages.append(stage)
    return stages, inside
