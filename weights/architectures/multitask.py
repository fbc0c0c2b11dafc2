"""OpenFace 3.0's multi-task network: emotions, gaze and eight action units from one face.

Input: float32 [n,3,224,224], **RGB**, /255, ImageNet mean and standard deviation. The action units
come from a graph head: eight nodes, each joined to the nodes most similar to it (ANFL, Luo et al.,
IJCAI 2022). Each of the eight scores is a cosine in [0,1].

The graph head is written for the Core ML provider and for float16: no comparison, sort, norm or
product of two computed matrices, and nothing that grows beyond float16's 65504. In float32 its
answer is upstream's.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from weights.architectures.efficientnet import FEATURES, EfficientNetB0

ACTION_UNITS = 8
NEIGHBOURS = 4
EMOTIONS = 8
GAZE_ANGLES = 2
NODE_SCALE = 2.0**-5  # a power of two: exact, and keeps sums of 1280 products within float16
SIMILARITY_SCALE = NODE_SCALE * NODE_SCALE
STEEPNESS = 30_000.0  # below float16's maximum
TINY = 2.0**-14  # float16's smallest normal number


class GraphLayer(nn.Module):
    """One graph convolution over the eight nodes, with a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.U = nn.Linear(FEATURES, FEATURES)
        self.V = nn.Linear(FEATURES, FEATURES)
        self.bnv = nn.BatchNorm1d(ACTION_UNITS)

    def forward(self, nodes: Tensor, adjacency: Tensor) -> Tensor:
        rows = nodes.reshape(-1, FEATURES)
        own, passed = self.U(rows).reshape(nodes.shape), self.V(rows).reshape(nodes.shape)
        gathered = (adjacency.unsqueeze(3) * passed.unsqueeze(1)).sum(dim=2)
        return F.relu(nodes + self.bnv(gathered + own))


class ActionUnitHead(nn.Module):
    """[n,1280] to eight scores [n,8], in the order AU01 02 04 06 09 12 25 26."""

    def __init__(self) -> None:
        super().__init__()
        self.sc = nn.Parameter(torch.zeros(ACTION_UNITS, FEATURES))
        self.class_linears = nn.ModuleList(
            nn.Linear(FEATURES, FEATURES) for _ in range(ACTION_UNITS)
        )
        self.gnn = GraphLayer()

    def nodes(self, features: Tensor) -> Tensor:
        """[n,8,1280]: what each action unit sees in the features."""
        rows = torch.cat([linear(features) for linear in self.class_linears], dim=1)
        return rows.reshape(features.shape[0], ACTION_UNITS, FEATURES)

    def forward(self, features: Tensor) -> Tensor:
        nodes = self.nodes(features)
        answer: Tensor = self.gnn(nodes, _normalised(neighbours(scaled_similarity(nodes))))
        return (_unit_length(answer) * _unit_length(F.relu(self.sc))).sum(dim=2)


def scaled_similarity(nodes: Tensor) -> Tensor:
    """[n,8,8]: dot products between nodes, times SIMILARITY_SCALE."""
    small = nodes * NODE_SCALE
    return (small.unsqueeze(2) * small.unsqueeze(1)).sum(dim=3)


def neighbours(similarity: Tensor) -> Tensor:
    """[n,8,8], 0 or 1: whether each entry is at least its row's 4th largest.

    That is so when at most three entries of its row are strictly greater, ties included.
    """
    greater = _step(similarity.unsqueeze(2) - similarity.unsqueeze(3)).sum(dim=3)
    return (NEIGHBOURS - greater).clamp(0, 1)


def _step(difference: Tensor) -> Tensor:
    """1 where positive, else 0; three clipped ramps reach it from 4e-14 up."""
    ramp = difference.clamp(0, 1)
    for _ in range(3):
        ramp = (ramp * STEEPNESS).clamp(0, 1)
    return ramp


def _normalised(adjacency: Tensor) -> Tensor:
    """D^-1/2 A D^-1/2 with D the row sums; both sides, as upstream (A is not symmetric)."""
    root = adjacency.sum(dim=2, keepdim=True).sqrt()
    return adjacency / (root * root.transpose(1, 2))


def _unit_length(rows: Tensor) -> Tensor:
    """Non-negative rows divided by their length; by their maximum first, so no square is large."""
    tiny = torch.tensor(TINY)
    small = rows / torch.maximum(rows.amax(dim=-1, keepdim=True), tiny)
    length = (small * small).sum(dim=-1, keepdim=True).sqrt()
    return small / torch.maximum(length, tiny)


class Multitask(nn.Module):
    """The backbone and its three branches."""

    def __init__(self) -> None:
        super().__init__()
        self.base_model = EfficientNetB0()
        self.fc_emotion = nn.Linear(FEATURES, FEATURES)
        self.fc_gaze = nn.Linear(FEATURES, FEATURES)
        self.fc_au = nn.Linear(FEATURES, FEATURES)
        self.emotion_classifier = nn.Linear(FEATURES, EMOTIONS)
        self.gaze_regressor = nn.Linear(FEATURES, GAZE_ANGLES)
        self.au_regressor = ActionUnitHead()

    def action_units(self, faces: Tensor) -> Tensor:
        """Scores [n,8]."""
        scores: Tensor = self.au_regressor(F.relu(self.fc_au(self.base_model(faces))))
        return scores

    def emotion_gaze(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Emotion logits [n,8]; yaw and pitch [n,2] in radians."""
        features = self.base_model(faces)
        emotions = self.emotion_classifier(F.relu(self.fc_emotion(features)))
        return emotions, self.gaze_regressor(F.relu(self.fc_gaze(features)))
