"""STAR: a stacked hourglass that finds the 98 WFLW points (Zhou et al., CVPR 2023).

Input: faces, float32 [n,3,256,256], **BGR**, x/255*2-1. Output: points [n,98,2], x and y in
[-1,1] over the crop (the ends lie on the border pixels of the 64x64 maps), and a confidence [n] in
[0,1]. Each face's answer is its own, whatever lies beside it.

A point is the mean position under its *heat map*, after the map is multiplied by its *point map*
and by the *edge maps* it lies on. Confidence is our own measure, upstream gives none: the mean,
over the 98 points, of the point map's (sigmoid) response weighted with that same normalised
distribution, of the last stack. It is high where the network agrees with itself on a place.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POINTS = 98
EDGES = 9
STACKS = 4
DEPTH = 4
WIDTH = 256
INPUT_SIZE = 256
MAP_SIZE = 64
HEAT_THRESHOLD = 0.05
SMALLEST_SUM = 2.0**-14  # float16's smallest normal number; upstream's 1e-6 would be 0
STEEPNESS = 30_000.0  # twice: above a float32 step near the threshold; below float16's maximum


class StackMaps(NamedTuple):
    """What one stack says, activated, each [n,channels,64,64]."""

    heat: Tensor  # 98 channels, >= 0
    point: Tensor  # 98 channels, in [0,1]
    edge: Tensor  # 9 channels, in [0,1]
    fused: Tensor  # 98 channels: heat times point times the edges a point lies on


class ConvBlock(nn.Module):
    """A convolution, with batch norm and ReLU if asked for."""

    def __init__(self, inside: int, outside: int, kernel: int, normed: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(outside) if normed else None

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv(x)
        return answer if self.bn is None else F.relu(self.bn(answer))


class Residual(nn.Module):
    """Pre-activation bottleneck. `skip_layer` is in every file; equal widths do not use it."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        half = outside // 2
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv1 = ConvBlock(inside, half, 1)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = ConvBlock(half, half, 3)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv3 = ConvBlock(half, outside, 1)
        self.skip_layer = ConvBlock(inside, outside, 1)
        self.widens = inside != outside

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.conv1(F.relu(self.bn1(x)))
        inner = self.conv2(F.relu(self.bn2(inner)))
        inner = self.conv3(F.relu(self.bn3(inner)))
        return inner + (self.skip_layer(x) if self.widens else x)


def _coordinates(size: int) -> Tensor:
    """[1,3,size,size]: row and column from -1 to 1, and their distance from the centre over its
    maximum. Upstream calls the first channel x, though it runs down the rows."""
    steps = torch.linspace(-1, 1, size)
    row, column = torch.meshgrid(steps, steps, indexing="ij")
    radius = torch.sqrt(row**2 + column**2)
    return torch.stack([row, column, radius / radius.max()]).unsqueeze(0)


class CoordConv(nn.Module):
    """A convolution that also sees where it is (Liu et al. 2018).

    After row, column and radius come, if `masked`, row and column again, zero but where the last
    heat map of the previous stack exceeds a threshold.
    """

    coordinates: Tensor

    def __init__(
        self,
        inside: int,
        outside: int,
        kernel: int,
        *,
        size: int,
        stride: int = 1,
        masked: bool = False,
        normed: bool = False,
    ) -> None:
        super().__init__()
        channels = inside + (5 if masked else 3)
        self.register_buffer("coordinates", _coordinates(size), persistent=False)
        self.conv = nn.Conv2d(channels, outside, kernel, stride, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(outside) if normed else None

    def forward(self, x: Tensor, previous_heat: Tensor | None = None) -> Tensor:
        channels = [x, self.coordinates.expand(x.shape[0], -1, -1, -1)]
        if previous_heat is not None:
            seen = _above_threshold(previous_heat[:, POINTS - 1 :])
            channels.append(self.coordinates[:, :2] * seen)
        answer: Tensor = self.conv(torch.cat(channels, dim=1))
        return answer if self.bn is None else F.relu(self.bn(answer))


def _above_threshold(heat: Tensor) -> Tensor:
    """1 where heat > 0.05, else 0, without a comparison, which the Core ML provider lacks.

    Two clipped ramps give exactly 0 or 1: the difference from the threshold is exact near it.
    """
    ramp = ((heat.clamp(0, 1) - HEAT_THRESHOLD) * STEEPNESS).clamp(0, 1)
    return (ramp * STEEPNESS).clamp(0, 1)


def _sum(maps: Tensor) -> Tensor:
    """[n,channels] of [n,channels,64,64]; rows first: 4096 numbers in one float16 lose digits."""
    return maps.sum(dim=3).sum(dim=2)


class Hourglass(nn.Module):
    """Halves the map `depth` times and comes back, adding what it passed on the way."""

    def __init__(self, depth: int, coordconv: CoordConv | None = None) -> None:
        super().__init__()
        self.coordconv = coordconv
        self.up1 = Residual(WIDTH, WIDTH)
        self.low1 = Residual(WIDTH, WIDTH)
        self.low2 = Hourglass(depth - 1) if depth > 1 else Residual(WIDTH, WIDTH)
        self.low3 = Residual(WIDTH, WIDTH)

    def forward(self, x: Tensor, previous_heat: Tensor | None = None) -> Tensor:
        if self.coordconv is not None:
            x = self.coordconv(x, previous_heat)
        low = self.low3(self.low2(self.low1(F.max_pool2d(x, 2, 2))))
        passed: Tensor = self.up1(x)
        return passed + F.interpolate(low, scale_factor=2.0, mode="nearest")


def _one_by_one(inside: int, outside: int, count: int) -> nn.ModuleList:
    return nn.ModuleList(ConvBlock(inside, outside, 1) for _ in range(count))


class Star98(nn.Module):
    """The whole network; see the module's text for what goes in and out."""

    grid: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.pre = nn.Sequential(
            CoordConv(3, 64, 7, size=INPUT_SIZE, stride=2, normed=True),
            Residual(64, 128),
            nn.MaxPool2d(2),
            Residual(128, 128),
            Residual(128, WIDTH),
        )
        self.hgs = nn.ModuleList(
            Hourglass(DEPTH, CoordConv(WIDTH, WIDTH, 1, size=MAP_SIZE, masked=stack > 0))
            for stack in range(STACKS)
        )
        self.features = nn.ModuleList(
            nn.Sequential(Residual(WIDTH, WIDTH), ConvBlock(WIDTH, WIDTH, 1, normed=True))
            for _ in range(STACKS)
        )
        self.out_heatmaps = _one_by_one(WIDTH, POINTS, STACKS)
        self.e2h_transform = nn.Conv2d(EDGES, POINTS, 1)
        self.out_edgemaps = _one_by_one(WIDTH, EDGES, STACKS)
        self.out_pointmaps = _one_by_one(WIDTH, POINTS, STACKS)
        self.merge_edgemaps = _one_by_one(EDGES, WIDTH, STACKS - 1)
        self.merge_pointmaps = _one_by_one(POINTS, WIDTH, STACKS - 1)
        self.merge_features = _one_by_one(WIDTH, WIDTH, STACKS - 1)
        self.merge_heatmaps = _one_by_one(POINTS, WIDTH, STACKS - 1)
        self.register_buffer("grid", _coordinates(MAP_SIZE)[:, :2], persistent=False)

    def stacks(self, image: Tensor) -> list[StackMaps]:
        """What each of the four stacks says."""
        x = self.pre(image)
        said: list[StackMaps] = []
        for stack in range(STACKS):
            feature = self.features[stack](self.hgs[stack](x, said[-1].heat if said else None))
            maps = self._maps(stack, feature)
            said.append(maps)
            if stack < STACKS - 1:
                x = (
                    x
                    + self.merge_features[stack](feature)
                    + self.merge_heatmaps[stack](maps.heat)
                    + self.merge_pointmaps[stack](maps.point)
                    + self.merge_edgemaps[stack](maps.edge)
                )
        return said

    def _maps(self, stack: int, feature: Tensor) -> StackMaps:
        heat = F.relu(F.instance_norm(self.out_heatmaps[stack](feature)))
        point = torch.sigmoid(self.out_pointmaps[stack](feature))
        edge = torch.sigmoid(self.out_edgemaps[stack](feature))
        return StackMaps(heat, point, edge, self.e2h_transform(edge) * point * heat)

    def decode(self, maps: StackMaps) -> tuple[Tensor, Tensor]:
        """Points [n,98,2] and confidence [n] of one stack."""
        total = torch.maximum(_sum(maps.fused), torch.tensor(SMALLEST_SUM))
        x = _sum(maps.fused * self.grid[:, 1:]) / total
        y = _sum(maps.fused * self.grid[:, :1]) / total
        response = _sum(maps.fused * maps.point) / total
        return torch.stack([x, y], dim=2), response.mean(dim=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.decode(self.stacks(image)[-1])
