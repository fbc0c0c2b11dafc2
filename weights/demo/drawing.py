"""Draws the phantom's face onto a sheet, feature by feature.

What an AU does to the outlines comes with the points; what it does to the skin (folds, bulges) is
drawn here, each AU at places of its own, so that no two AUs look alike.
"""

import numpy as np

from weights.demo.appearance import Appearance, Colour
from weights.demo.canvas import Canvas, ellipse, smooth_line
from weights.demo.face_shape import AUS, SIDES, Activations, Floats, Side, face_points

IRIS_RADIUS = 0.032

FOLD = 0.42
"""How much darker the skin is in a fold of a fully driven AU."""

# Folds of the patient's left half (x positive): lines of (x, y), and how deep each one is.
_FOLDS: dict[str, tuple[tuple[float, tuple[tuple[float, float], ...]], ...]] = {
    "au01": (
        (1.0, ((0.022, -0.305), (0.07, -0.315), (0.125, -0.308))),
        (0.9, ((0.022, -0.340), (0.07, -0.352), (0.120, -0.345))),
    ),
    "au02": (
        (1.0, ((0.170, -0.318), (0.235, -0.312), (0.300, -0.278))),
        (0.9, ((0.175, -0.352), (0.240, -0.345), (0.305, -0.312))),
    ),
    "au04": (
        (1.2, ((0.020, -0.225), (0.026, -0.180), (0.022, -0.140))),
        (0.8, ((0.042, -0.215), (0.047, -0.180), (0.042, -0.150))),
    ),
    "au06": (
        (1.0, ((0.288, -0.112), (0.325, -0.130), (0.352, -0.142))),
        (1.0, ((0.290, -0.095), (0.328, -0.095), (0.358, -0.092))),
        (1.0, ((0.288, -0.078), (0.322, -0.062), (0.348, -0.045))),
        (1.0, ((0.105, -0.052), (0.180, -0.030), (0.262, -0.050))),
    ),
    "au09": (
        (1.1, ((0.012, -0.065), (0.030, -0.060), (0.048, -0.045))),
        (1.1, ((0.012, -0.035), (0.034, -0.028), (0.054, -0.010))),
        (1.1, ((0.012, -0.005), (0.036, 0.004), (0.056, 0.024))),
        (1.0, ((0.066, 0.030), (0.088, 0.058), (0.090, 0.088))),
    ),
    "au12": ((1.1, ((0.108, 0.095), (0.155, 0.125), (0.188, 0.165), (0.198, 0.215))),),
    "au25": (),
    "au26": (
        (1.0, ((0.014, 0.318), (0.055, 0.322), (0.095, 0.308))),
        (1.0, ((0.268, 0.085), (0.252, 0.150), (0.215, 0.215))),
    ),
    "au45": (),
}


def draw_face(canvas: Canvas, activations: Activations, appearance: Appearance) -> None:
    """Draw the whole head onto an empty sheet."""
    points = face_points(activations)
    _head(canvas, points, appearance)
    _skin(canvas, activations)
    for side in SIDES:
        _brow(canvas, points, side, appearance)
        _eye(canvas, points, side, appearance)
    _nose(canvas, points, appearance)
    _mouth(canvas, points, appearance)


def _sign(side: Side) -> float:
    return 1.0 if side == "left" else -1.0


def _towards(colour: Colour, other: Colour, share: float) -> Colour:
    blue, green, red = (a + (b - a) * share for a, b in zip(colour, other, strict=True))
    return blue, green, red


def _darker(colour: Colour, factor: float) -> Colour:
    return _towards((0.0, 0.0, 0.0), colour, factor)


def _head(canvas: Canvas, points: Floats, look: Appearance) -> None:
    canvas.fill(ellipse(0.0, -0.16, 0.46, 0.42), look.hair, covers=True)
    for sign in (-1.0, 1.0):
        canvas.fill(ellipse(sign * 0.415, -0.03, 0.05, 0.095), _darker(look.skin, 0.9), covers=True)
        inner = ellipse(sign * 0.418, -0.03, 0.026, 0.06)
        canvas.fill(inner, _darker(look.skin, 0.75), covers=True)
    angle = np.linspace(0, np.pi, 24)[1:-1]
    crown = np.stack([0.40 * np.cos(angle), -0.10 - 0.33 * np.sin(angle)], axis=1)
    contour = smooth_line(points[:33])
    canvas.fill(np.concatenate([contour, crown]), look.skin, covers=True)
    jaw = smooth_line(points[2:31])
    canvas.stroke(jaw, _darker(look.skin, 0.72), 0.008)


def _skin(canvas: Canvas, activations: Activations) -> None:
    """Shades: what every face has, then the bulges and folds of the AUs."""
    for sign in (-1.0, 1.0):
        canvas.shade(ellipse(sign * 0.18, -0.105, 0.115, 0.06), 0.10)
        canvas.shade(ellipse(sign * 0.045, 0.02, 0.022, 0.09), 0.12)
        canvas.shade(ellipse(sign * 0.35, 0.12, 0.06, 0.2), 0.12)
    canvas.shade(ellipse(0.0, 0.01, 0.018, 0.1), -0.12)
    canvas.shade(ellipse(0.0, 0.292, 0.06, 0.012), 0.12)
    for side in SIDES:
        driven = activations.of(side)
        sign = _sign(side)
        canvas.shade(ellipse(sign * 0.21, 0.035, 0.075, 0.042), -0.30 * driven.au06)
        canvas.shade(ellipse(sign * 0.235, 0.115, 0.045, 0.04), -0.25 * driven.au12)
    canvas.soften(0.02)
    for side in SIDES:
        _folds(canvas, activations, side)
    canvas.soften(0.0035)
    canvas.apply_shade()


_CURVES: dict[tuple[Side, str], list[tuple[float, Floats]]] = {
    (side, au): [
        (depth, smooth_line(np.array(line) * np.array([_sign(side), 1.0])))
        for depth, line in _FOLDS[au]
    ]
    for side in SIDES
    for au in AUS
}


def _folds(canvas: Canvas, activations: Activations, side: Side) -> None:
    for au, activation in zip(AUS, activations.of(side).values(), strict=True):
        for depth, curve in _CURVES[side, au]:
            canvas.crease(curve, FOLD * depth * float(activation))


def _brow(canvas: Canvas, points: Floats, side: Side, look: Appearance) -> None:
    own = points[33:42] if side == "right" else points[42:51]
    colour = _towards(look.hair, _darker(look.skin, 0.4), 0.4)
    canvas.fill(_polygon(own), colour)


def _polygon(outline: Floats) -> Floats:
    return smooth_line(outline, closed=True, pieces=4)


def _eye(canvas: Canvas, points: Floats, side: Side, look: Appearance) -> None:
    """White, iris and pupil inside the lids, then the lids' rims over them."""
    own = points[60:68] if side == "right" else points[68:76]
    pupil = points[96] if side == "right" else points[97]
    upper, lower = smooth_line(own[[0, 1, 2, 3, 4]]), smooth_line(own[[4, 5, 6, 7, 0]])
    opening = np.concatenate([upper, lower[1:-1]])
    white = (225.0, 228.0, 232.0)
    canvas.fill(opening, white)
    x, y = (float(v) for v in pupil)
    for radius, colour in ((IRIS_RADIUS, look.iris), (0.015, (15.0, 15.0, 15.0))):
        canvas.fill(_within(ellipse(x, y, radius, radius), upper, lower), colour)
    lash = _darker(look.hair, 0.6)
    canvas.stroke(upper, lash, 0.009)
    canvas.stroke(lower, _towards(lash, look.skin, 0.45), 0.006)
    lid = upper + np.array([0.0, -0.018])
    canvas.stroke(lid[3:-3], _darker(look.skin, 0.72), 0.005)


def _within(outline: Floats, upper: Floats, lower: Floats) -> Floats:
    """An outline with its y held between two lid lines."""
    top = upper[np.argsort(upper[:, 0])]
    bottom = lower[np.argsort(lower[:, 0])]
    high = np.interp(outline[:, 0], top[:, 0], top[:, 1])
    low = np.interp(outline[:, 0], bottom[:, 0], bottom[:, 1])
    return np.stack([outline[:, 0], np.clip(outline[:, 1], high, low)], axis=1)


def _nose(canvas: Canvas, points: Floats, look: Appearance) -> None:
    dark = _darker(look.skin, 0.55)
    canvas.stroke(smooth_line(points[55:60]), dark, 0.007)
    for wing, inner, sign in ((55, 56, -1.0), (59, 58, 1.0)):
        x, y = (float(v) for v in points[wing])
        alar = np.array([[x - sign * 0.002, y - 0.045], [x + sign * 0.012, y - 0.02], [x, y]])
        canvas.stroke(smooth_line(alar), dark, 0.006)
        nostril = (points[wing] + points[inner]) / 2
        centre_x, centre_y = (float(v) for v in nostril)
        canvas.fill(ellipse(centre_x, centre_y - 0.006, 0.013, 0.006), _darker(look.skin, 0.35))


def _mouth(canvas: Canvas, points: Floats, look: Appearance) -> None:
    outer, inner = points[76:88], points[88:96]
    canvas.fill(_polygon(outer), look.lips)
    rim = smooth_line(inner, closed=True, pieces=4)
    canvas.fill(rim, (45.0, 30.0, 70.0))
    upper = smooth_line(inner[[0, 1, 2, 3, 4]], pieces=4)
    lower = smooth_line(inner[[4, 5, 6, 7, 0]], pieces=4)[::-1]
    gap = np.clip(lower[:, 1:] - upper[:, 1:], 0.0, None) * 0.4
    teeth = np.concatenate([upper, (upper + np.concatenate([gap * 0, gap], axis=1))[::-1]])
    canvas.fill(teeth[2:-2], (205.0, 215.0, 222.0))
    line = _darker(look.lips, 0.45)
    for edge in (upper, lower):
        canvas.stroke(edge, line, 0.005)
