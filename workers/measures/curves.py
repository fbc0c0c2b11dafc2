"""Smooth curves through chains of landmarks, of many frames at once.

Interpolating cubic splines (de Boor, A Practical Guide to Splines, chapter IV) whose first and last
pieces are parabolas. They go through every point and are the same from either end. Own code, since
SciPy's has a common parameter for all curves that are fitted at once; here each frame has its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workers.arrays import Floats

HEIGHTS = 0.5
"""How much of a step up or down counts where a curve's parameter grows by its length."""

_HALVINGS = 44
_SHORTEST = 1e-9
_NODES = np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 9.0
"""Gauss and Legendre's three points: exact for y dx of a cubic."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """knots: (n, K, 2), K > 2; pieces: (n, K - 1, 4, 2), coefficients of each piece's cubic, the
    constant first, over a parameter from 0 to 1.

    A place on the curve is the number of the piece plus that parameter, 0 to K - 1.
    """

    knots: Floats
    pieces: Floats

    def at(self, place: Floats) -> Floats:
        """The points (n, 2) at places (n,); NaN where the place is."""
        piece, parameter = self._split(place)
        return _cubic(piece, parameter)

    def place_where(self, level: Callable[[Floats], Floats]) -> Floats:
        """The places (n,) where a function of points changes its sign; NaN unless it does so once.

        level: of points (n, m, 2), gives (n, m).
        """
        levels = level(self.knots)
        low, high = levels[:, :-1], levels[:, 1:]
        reached = np.minimum(low, high) <= 0.0
        reached &= np.maximum(low, high) >= 0.0
        crossings = (low * high < 0.0).sum(axis=1)
        once = reached.any(axis=1) & (crossings <= 1) & np.isfinite(levels).all(axis=1)
        first = reached.argmax(axis=1)
        rows = np.arange(len(first))
        piece, begins_below = self.pieces[rows, first], low[rows, first] < 0.0
        near, far = np.zeros(len(first)), np.ones(len(first))
        for _ in range(_HALVINGS):
            middle = (near + far) / 2.0
            below = level(_cubic(piece, middle)[:, None])[:, 0] < 0.0
            near = np.where(below == begins_below, middle, near)
            far = np.where(below == begins_below, far, middle)
        # At a knot itself, where an end of the piece is on the level already.
        middle = np.where(low[rows, first] == 0.0, 0.0, (near + far) / 2.0)
        return np.where(once, first + middle, np.nan)

    def at_x(self, x: Floats) -> Floats:
        """The y (n,) of the curve at x (n,); NaN where it does not reach, or comes by twice."""
        return self.at(self.place_where(lambda points: points[..., 0] - x[:, None]))[:, 1]

    def area_under(self, place: Floats) -> Floats:
        """The integral (n,) of y dx from the curve's beginning to a place (n,)."""
        total = np.zeros(len(place))
        for number in range(self.pieces.shape[1]):
            piece = self.pieces[:, number]
            reach = np.clip(place - number, 0.0, 1.0)
            for node, weight in zip(_NODES, _WEIGHTS, strict=True):
                parameter = reach * (1.0 + node) / 2.0
                slope = _cubic_slope(piece, parameter)[:, 0]
                total += weight * reach / 2.0 * _cubic(piece, parameter)[:, 1] * slope
        return total

    def _split(self, place: Floats) -> tuple[Floats, Floats]:
        last = self.pieces.shape[1] - 1
        number = np.clip(np.nan_to_num(np.floor(place)), 0, last).astype(np.intp)
        return self.pieces[np.arange(len(place)), number], place - number


def curve_through(points: Floats) -> Curve:
    """The curve through points (n, K, 2), K > 2, by chord length, in which heights count half; of
    NaN where a point is.

    For what may run down or back, as lips do at their corners. By the whole length a lip that falls
    steeply beside its corner bulges there, by 0.4 mm more than the graph that it nearly is.
    """
    steps = np.diff(points, axis=1)
    return _curve(points, steps, np.hypot(steps[..., 0], HEIGHTS * steps[..., 1]))


def graph_through(points: Floats) -> Curve:
    """The curve through points (n, K, 2), K > 2, as a function of x; of NaN where a point is.

    For what only runs along x, as lids and brows do.
    """
    steps = np.diff(points, axis=1)
    return _curve(points, steps, np.abs(steps[..., 0]))


def _curve(points: Floats, steps: Floats, apart: Floats) -> Curve:
    """apart: (n, K - 1), by how much the parameter grows from point to point."""
    lengths = np.maximum(apart, _SHORTEST)
    tangents = _tangents(steps, lengths)
    start, end = tangents[:, :-1] * lengths[..., None], tangents[:, 1:] * lengths[..., None]
    pieces = [points[:, :-1], start, 3.0 * steps - 2.0 * start - end, start + end - 2.0 * steps]
    return Curve(knots=points, pieces=np.stack(pieces, axis=2))


def _tangents(steps: Floats, lengths: Floats) -> Floats:
    """Those (n, K, 2) with which the curve's second derivative has no jump, and is constant in the
    first and in the last piece. steps: (n, K - 1, 2); lengths: (n, K - 1)."""
    frames, pieces = lengths.shape
    slopes = steps / lengths[..., None]
    before, after = lengths[:, :-1], lengths[:, 1:]
    inner = np.arange(1, pieces)
    equations = np.zeros((frames, pieces + 1, pieces + 1))
    equations[:, inner, inner - 1] = after
    equations[:, inner, inner] = 2.0 * (before + after)
    equations[:, inner, inner + 1] = before
    equations[:, 0, :2] = equations[:, -1, -2:] = 1.0
    wanted = np.empty((frames, pieces + 1, 2))
    wanted[:, 0], wanted[:, -1] = 2.0 * slopes[:, 0], 2.0 * slopes[:, -1]
    wanted[:, 1:-1] = 3.0 * (after[..., None] * slopes[:, :-1] + before[..., None] * slopes[:, 1:])
    known = np.isfinite(lengths).all(axis=1).reshape(-1, 1, 1)
    solvable = np.where(known, equations, np.eye(pieces + 1))
    return np.where(known, np.linalg.solve(solvable, wanted), np.nan)


def _cubic(piece: Floats, parameter: Floats) -> Floats:
    """piece: (n, 4, 2); parameter: (n,); gives (n, 2)."""
    t = parameter[:, None]
    return np.asarray(piece[:, 0] + t * (piece[:, 1] + t * (piece[:, 2] + t * piece[:, 3])))


def _cubic_slope(piece: Floats, parameter: Floats) -> Floats:
    t = parameter[:, None]
    return np.asarray(piece[:, 1] + t * (2.0 * piece[:, 2] + 3.0 * t * piece[:, 3]))
