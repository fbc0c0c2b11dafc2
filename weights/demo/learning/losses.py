"""What each demo network is trained to make small, and how its answers are scored."""

import torch
from torch import Tensor
from torch.nn import functional as F

from weights.demo.learning.networks import ANCHOR_SIZES, ActionUnits, Detector, Landmarker

CENTRE_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
POSITIVE, NEGATIVE = 0.45, 0.30
"""An anchor with this overlap is a face; with less than the other one it is none."""

NEGATIVES_PER_FACE = 20
LIDS = (((61, 62, 63), (67, 66, 65)), ((69, 70, 71), (75, 74, 73)))
CONTOUR, BRIDGE = range(33), range(51, 55)
"""Where no measure is taken."""
HEAT = 0.1


def anchors(side: int) -> Tensor:
    """Anchor boxes (A, 4), centre x, y, width, height, px; see weights.manifest for the order."""
    rows = []
    for stride, sizes in ANCHOR_SIZES.items():
        places = (torch.arange(side // stride) + 0.5) * stride
        y, x, size = torch.meshgrid(places, places, torch.tensor(sizes), indexing="ij")
        rows.append(torch.stack([x, y, size, size], dim=-1).reshape(-1, 4))
    return torch.cat(rows)


def detector_loss(network: Detector, images: Tensor, boxes: Tensor) -> Tensor:
    """images (N, 3, S, S); boxes (N, 4), NaN where there is no face."""
    offsets, logits = network.logits(images)
    prior = anchors(images.shape[-1])
    overlap = _overlaps(boxes, prior)
    best = overlap.max(dim=1, keepdim=True).values
    face = (overlap >= POSITIVE) | ((overlap >= best) & (overlap > 0.2))
    none = (overlap < NEGATIVE) & ~face
    wrong = F.binary_cross_entropy_with_logits(logits, face.float(), reduction="none")
    count = max(int(face.sum()), 1)
    hardest = wrong[none].topk(min(NEGATIVES_PER_FACE * count, int(none.sum()))).values
    scores = (wrong[face].sum() + hardest.sum()) / count
    if not face.any():
        return scores
    expected = _offsets(boxes, prior)
    return scores + F.smooth_l1_loss(offsets[face], expected[face], beta=0.1) * 12


def _overlaps(boxes: Tensor, prior: Tensor) -> Tensor:
    """Intersection over union (N, A); 0 for no face."""
    low, high = prior[:, :2] - prior[:, 2:] / 2, prior[:, :2] + prior[:, 2:] / 2
    first = torch.maximum(boxes[:, None, :2], low)
    last = torch.minimum(boxes[:, None, 2:], high)
    shared = (last - first).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)[:, None] + prior[:, 2:].prod(dim=1)
    return torch.nan_to_num(shared / (area - shared))


def _offsets(boxes: Tensor, prior: Tensor) -> Tensor:
    """Box regressions (N, A, 4) that decode to the boxes."""
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    shift = (centre[:, None] - prior[:, :2]) / (CENTRE_VARIANCE * prior[:, 2:])
    growth = torch.log(size[:, None] / prior[:, 2:]) / SIZE_VARIANCE
    return torch.cat([shift, growth], dim=2)


def landmark_loss(network: Landmarker, images: Tensor, points: Tensor, face: Tensor) -> Tensor:
    """Distances of the points, of those that are measured by twice, the lids' openings on top
    (AU45), and how unlike the heat maps are to the points: without that the network takes long to
    see the lids."""
    found, heat, confidence = network.logits(images)
    weight = torch.full((points.shape[1],), 2.0)
    weight[[*CONTOUR, *BRIDGE]] = 1.0
    seen = face > 0.5
    wrong = (found[seen] - points[seen]).abs().mean(dim=2) * weight
    lids = (openings(found[seen]) - openings(points[seen])).abs()
    unlike = _surprise(heat[seen], points[seen], network.CELLS) * weight
    doubt = F.binary_cross_entropy_with_logits(confidence, face)
    return 20 * wrong.mean() + 50 * lids.mean() + HEAT * unlike.mean() + 0.1 * doubt


def _surprise(heat: Tensor, points: Tensor, cells: int) -> Tensor:
    """Cross-entropy (N, P) of log heat maps (N, P, cells²) against points (N, P, 2) in [-1, 1].

    A point is shared out among its four nearest cells so that their mean place is the point.
    """
    place = ((points + 1) * cells / 2 - 0.5).clamp(0, cells - 1.001)
    corner = place.floor()
    x, y = (place - corner).unbind(dim=2)
    first = (corner[..., 1] * cells + corner[..., 0]).long()
    near = torch.stack([first, first + 1, first + cells, first + cells + 1], dim=2)
    share = torch.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], dim=2)
    return -(share * heat.gather(2, near)).sum(dim=2)


def openings(points: Tensor) -> Tensor:
    """Mean lid distance (N, 2) of the right and left eye of points (N, 98, 2)."""
    gaps = [
        (points[:, list(upper)] - points[:, list(lower)]).norm(dim=2).mean(dim=1)
        for upper, lower in LIDS
    ]
    return torch.stack(gaps, dim=1)


def au_loss(network: ActionUnits, faces: Tensor, aus: Tensor) -> Tensor:
    """Squared error of the scores before they are held to [0, 1], so that none gets stuck.

    Beyond the end where it belongs a score is right: it will be held there, and if it had to end
    there exactly, the mean of held scores would fall short of the end.
    """
    found = network.raw(faces)
    right = ((found < 0) & (aus == 0)) | ((found > 1) & (aus == 1))
    return torch.where(right, 0.0, found - aus).square().mean() * 10
