"""The iris of an eye that was fitted: whether the picture shows it, and where its edge is.

The eyes' models were learned from drawn eyes, and lay rings around irises that are up to a quarter
too large: good enough to look from, not to measure by. They also fit an eye that is shut; that it
shows no iris is told by what their experts say of the ring's places.
"""

import cv2
import numpy as np

from workers.arrays import Floats, Tensor
from workers.clnf.fitting import LandmarkModel, gathered
from workers.clnf.sampling import Grey
from workers.face.shape.shape_fit import ShapeFit

POINTS = 8
"""The first points of an eye's 28: evenly around the iris. The same number is laid on its edge."""

SHOWN = 0.11
"""The geometric mean, 0 to 1, of what the first scale's experts say at the ring. On real faces eyes
that are open give 0.2 to 0.36, half shut ones 0.13 to 0.2, shut ones 0.05 to 0.1."""

LEAST = 1e-6
"""What an expert says at least, for the logarithm."""

WINDOW = 3
"""Of the response maps that it is read from, steps: their middles."""

ARC = np.radians(40.0)
"""To each side of the horizontal: above and below lids hide the edge."""
DIRECTIONS = np.concatenate([middle + np.linspace(-ARC, ARC, 7) for middle in (0.0, np.pi)])
RADII = np.arange(0.56, 1.17, 0.04)
"""Shares of the ring's. Hardly a pupil is as large as the smallest."""
STEP = 4
"""Brightness is compared this many radii apart."""
OFFSETS = (np.linspace(-0.3, 0.3, 7), np.linspace(-0.08, 0.08, 5))
"""Of the edge's centre from the ring's, along both axes, shares of its radius: coarse, then fine
around the best."""
BLUR = 0.08
"""Standard deviation, as a share of the ring's radius."""


def shows_iris(grey: Grey, model: LandmarkModel, fit: ShapeFit) -> bool:
    """Whether an eye shows its iris, as its model was fitted to the picture; no shut one does."""
    evidence = gathered(model.shape, model.experts[0], model.schedules[0], grey, fit, WINDOW)
    said = evidence.maps[:POINTS, WINDOW // 2, WINDOW // 2] * (evidence.weights[:POINTS] > 0.0)
    return bool(np.log(np.maximum(said, LEAST)).mean() > np.log(SHOWN))


def iris_edge(grey: Grey, ring: Floats) -> Floats:
    """Points (8, 2) px, evenly on the circle that the picture brightens across most.

    ring: (N, 2) px, around the iris. NaN where the picture has no such edge near it. Source:
    Daugman, "High confidence visual recognition of persons by a test of statistical independence",
    1993: the circle whose brightness differs most from that of the next larger one, after blurring,
    here along the arcs that lids leave free.
    """
    centre = ring.mean(axis=0)
    radius = float(np.hypot(*(ring - centre).T).mean())
    reach = int(np.ceil(2.0 * radius)) + 1
    corner = np.floor(centre).astype(int) - reach
    x, y = (slice(max(first, 0), max(first + 2 * reach + 1, 0)) for first in corner)
    near = grey[y, x]
    nothing = np.full((POINTS, 2), np.nan)
    if radius < 1.0 or not near.size:
        return nothing
    blurred: Tensor = np.asarray(
        cv2.GaussianBlur(near.astype(np.float32), (0, 0), BLUR * radius), np.float32
    )
    inside = centre - (x.start, y.start)
    share = 1.0
    for offsets in OFFSETS:
        sharpest = _sharpest(blurred, inside, offsets * radius, radius)
        if sharpest is None:
            return nothing
        inside, share = sharpest
    around = np.linspace(0.0, 2.0 * np.pi, POINTS, endpoint=False)
    circle = share * radius * np.stack([np.cos(around), np.sin(around)], axis=1)
    return np.asarray(circle + inside + (x.start, y.start))


def _sharpest(
    picture: Tensor, centre: Floats, offsets: Floats, radius: float
) -> tuple[Floats, float] | None:
    """The centre (2,), px, of the sharpest circle, and its radius as a share of `radius`.

    None where no circle is sharper than both of its neighbours: at the end of the range it may be
    the foot of a sharper edge that lies beyond it, as the pupil's.
    """
    down, right = np.meshgrid(offsets, offsets, indexing="ij")
    centres = centre + np.stack([right.ravel(), down.ravel()], axis=1)
    away = radius * RADII[:, None]
    x = centres[:, 0, None, None] + away * np.cos(DIRECTIONS)
    y = centres[:, 1, None, None] + away * np.sin(DIRECTIONS)
    flat = (len(centres), -1)
    seen = cv2.remap(
        picture,
        x.reshape(flat).astype(np.float32),
        y.reshape(flat).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rings = seen.reshape(x.shape).mean(axis=2, dtype=np.float64)
    steps = rings[:, STEP:] - rings[:, :-STEP]
    before, here, after = steps[:, :-2], steps[:, 1:-1], steps[:, 2:]
    tops = np.where((here > 0.0) & (here > before) & (here >= after), here, 0.0)
    best, place = np.unravel_index(int(tops.argmax()), tops.shape)
    if not tops[best, place]:
        return None
    # The top of the parabola through three steps.
    low, top, high = (float(step) for step in steps[best, place : place + 3])
    beyond = (low - high) / (2.0 * (low - 2.0 * top + high))
    return centres[best], float(RADII[place + 1 + STEP // 2] + beyond * (RADII[1] - RADII[0]))
