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
FINENESS = 0.04
RADII = np.arange(0.56, 1.17, FINENESS)
"""Shares of the ring's. Hardly a pupil is as large as the smallest."""
STEP = 4
"""Brightness is compared this many radii apart."""
OFFSETS = np.arange(-0.36, 0.37, FINENESS)
"""Of the edge's centre from the ring's, to the sides, shares of its radius. Its height is the
ring's: arcs at the sides hardly tell it."""
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
    found = _sharpest(blurred, inside, radius)
    if found is None:
        return nothing
    aside, share = found
    around = np.linspace(0.0, 2.0 * np.pi, POINTS, endpoint=False)
    circle = np.stack([aside + share * np.cos(around), share * np.sin(around)], axis=1)
    return np.asarray(centre + radius * circle)


def _sharpest(picture: Tensor, centre: Floats, radius: float) -> tuple[float, float] | None:
    """How far the sharpest circle's centre is to the right of this one, and its radius, as shares
    of `radius`.

    None where no circle is sharper than all of its neighbours: at the end of the range it may be
    the foot of a sharper edge that lies beyond it, as the pupil's.
    """
    away = radius * RADII[:, None]
    x = centre[0] + radius * OFFSETS[:, None, None] + away * np.cos(DIRECTIONS)
    y = np.broadcast_to(centre[1] + away * np.sin(DIRECTIONS), x.shape)
    flat = (len(OFFSETS), -1)
    seen = cv2.remap(
        picture,
        x.reshape(flat).astype(np.float32),
        y.reshape(flat).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rings = seen.reshape(x.shape).mean(axis=2, dtype=np.float64)
    steps = rings[:, STEP:] - rings[:, :-STEP]
    here = steps[1:-1, 1:-1]
    sharper = (here > 0.0) & (here > steps[1:-1, :-2]) & (here >= steps[1:-1, 2:])
    sharper &= (here > steps[:-2, 1:-1]) & (here >= steps[2:, 1:-1])
    if not sharper.any():
        return None
    i, j = np.unravel_index(int(np.where(sharper, here, 0.0).argmax()), here.shape)
    aside = float(OFFSETS[i + 1]) + _top(steps[i : i + 3, j + 1]) * FINENESS
    return aside, float(RADII[j + 1 + STEP // 2]) + _top(steps[i + 1, j : j + 3]) * FINENESS


def _top(steps: Floats) -> float:
    """Where the parabola through three steps is highest, from the middle one: -0.5 to 0.5."""
    low, middle, high = (float(step) for step in steps)
    return (low - high) / (2.0 * (low - 2.0 * middle + high))
