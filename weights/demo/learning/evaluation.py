"""How far the demo networks are off, on a batch of samples, in units that mean something."""

import torch
from torch import Tensor, nn

from weights.demo.learning.losses import CENTRE_VARIANCE, SIZE_VARIANCE, anchors, openings

Batch = tuple[Tensor, ...]
EYE_CORNERS = ((60, 64), (68, 72))


def landmark_errors(network: nn.Module, batch: Batch) -> dict[str, float]:
    """Mean distance in % of the inter-ocular distance (60 to 72); AU45, 0 to 5."""
    images, points, face = batch
    found, confidence = network(images)
    seen = face > 0.5
    found, points = found[seen], points[seen]
    across = (points[:, 60] - points[:, 72]).norm(dim=1)
    distance = (found - points).norm(dim=2).mean(dim=1) / across
    lids = (_closure(found) - _closure(points)).abs()
    return {
        "landmarks, % of inter-ocular distance": 100 * distance.mean().item(),
        "AU45, of 5": lids.mean().item(),
        "face or not, wrong %": 100 * ((confidence > 0.5) != seen).float().mean().item(),
    }


def _closure(points: Tensor) -> Tensor:
    """AU45 (N, 2), 0 to 5, from the eyes' aspect ratio."""
    widths = [(points[:, a] - points[:, b]).norm(dim=1) for a, b in EYE_CORNERS]
    ratio = openings(points) / torch.stack(widths, dim=1)
    return 5 * ((0.25 - ratio) / 0.20).clamp(0, 1)


def au_errors(network: nn.Module, batch: Batch) -> dict[str, float]:
    """Mean absolute error of the scores, 0 to 1."""
    faces, aus = batch
    return {"AU scores, 0 to 1": (network(faces) - aus).abs().mean().item()}


def detector_errors(network: nn.Module, batch: Batch) -> dict[str, float]:
    """Missed faces, false alarms, and the error of the best box's edges."""
    images, boxes = batch
    offsets, scores = network(images)
    prior = anchors(images.shape[-1])
    best = scores.argmax(dim=1)
    rows = torch.arange(len(best))
    centre = prior[best, :2] + offsets[rows, best, :2] * CENTRE_VARIANCE * prior[best, 2:]
    half = prior[best, 2:] * torch.exp(offsets[rows, best, 2:] * SIZE_VARIANCE) / 2
    found = torch.cat([centre - half, centre + half], dim=1)
    there = ~boxes[:, 0].isnan()
    size = boxes[there, 3] - boxes[there, 1]
    off = (found[there] - boxes[there]).abs().mean(dim=1) / size
    seen = scores.amax(dim=1) >= 0.5
    return {
        "box edges, % of the face's height": 100 * off.mean().item(),
        "missed or imagined, %": 100 * (seen != there).float().mean().item(),
    }
