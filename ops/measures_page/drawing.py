"""The drawn face with its measures, as an SVG, from the phantom's geometry."""

from collections.abc import Iterable, Sequence

import numpy as np

from weights.demo.canvas import smooth_line
from weights.demo.drawing import IRIS_RADIUS
from weights.demo.face_shape import Activations, Floats, SideActivations, face_points
from workers.face.mirroring import SIDES, Side
from workers.measures.axes import seen_from
from workers.measures.curves import Curve, curve_through, graph_through
from workers.measures.layout import WFLW98_LAYOUT, SideLayout
from workers.measures.mouth import halfway_point

EXPRESSION = Activations(
    left=SideActivations(au25=0.8, au26=0.5, au12=0.1),
    right=SideActivations(au25=0.8, au26=0.5, au12=0.7, au01=0.4, au02=0.4, au45=0.3),
)
"""A mouth that is open and smiles with the patient's right side."""

SCALE = 1000.0
"""px in a unit of the face."""

LEFT, TOP, WIDTH, HEIGHT = -0.52, -0.36, 1.04, 0.86

STYLE = (
    "path,line,circle{fill:none;stroke-linecap:round}"
    ".face{stroke:#888;stroke-width:3}.axis{stroke:#bbb;stroke-width:2;stroke-dasharray:8 8}"
    ".side{stroke:#b2182b;stroke-width:4}.other{stroke:#2166ac;stroke-width:4}"
    ".mark{fill:#222;stroke:none}.area{fill:#2166ac33;stroke:none}"
    "text{font:600 22px sans-serif;fill:#222}"
)


def drawn_measures() -> str:
    """The SVG. What a caption's number means stands in the page."""
    points = face_points(EXPRESSION)
    # Into the face's axes, as the measures have them: y up, origin between the iris centres.
    placed = (points - points[[96, 97]].mean(axis=0)) * [1.0, -1.0]
    parts = [*_outlines(points), *_axes(placed)]
    for side in SIDES:
        parts += _of_side(seen_from(side, placed), side, WFLW98_LAYOUT.sides[side])
    parts += _of_face(placed)
    shown = " ".join(f"{value * SCALE:.0f}" for value in (LEFT, TOP, WIDTH, HEIGHT))
    body = "\n".join(_shifted(points, parts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{shown}">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect x="{LEFT * SCALE:.0f}" y="{TOP * SCALE:.0f}" width="{WIDTH * SCALE:.0f}" '
        f'height="{HEIGHT * SCALE:.0f}" fill="#fff"/>\n{body}\n</svg>\n'
    )


Shape = tuple[str, Floats, str]
"""A kind of line or a caption's text, its points (m, 2) in the face's axes, its class."""


def _shifted(points: Floats, shapes: Iterable[Shape]) -> list[str]:
    """The elements of shapes, which are in the face's axes, in the picture's."""
    origin = points[[96, 97]].mean(axis=0)
    return [_element(kind, where * [1.0, -1.0] + origin, name) for kind, where, name in shapes]


def _element(kind: str, where: Floats, name: str) -> str:
    numbers = [(f"{x * SCALE:.1f}", f"{y * SCALE:.1f}") for x, y in where]
    if kind in ("open", "closed"):
        path = " L".join(" ".join(pair) for pair in numbers)
        return f'<path class="{name}" d="M{path}{" Z" if kind == "closed" else ""}"/>'
    if kind == "dot":
        return f'<circle class="{name}" cx="{numbers[0][0]}" cy="{numbers[0][1]}" r="5"/>'
    if kind == "ring":
        radius = f"{IRIS_RADIUS * SCALE:.1f}"
        return f'<circle class="{name}" cx="{numbers[0][0]}" cy="{numbers[0][1]}" r="{radius}"/>'
    return f'<text x="{numbers[0][0]}" y="{numbers[0][1]}">{kind}</text>'


def _outlines(points: Floats) -> list[Shape]:
    """The face, without its measures."""
    placed = (points - points[[96, 97]].mean(axis=0)) * [1.0, -1.0]
    runs: list[tuple[Sequence[int], bool]] = [
        (range(33), False),
        (range(33, 42), True),
        (range(42, 51), True),
        (range(51, 55), False),
        (range(55, 60), False),
        (range(76, 88), True),
    ]
    shapes: list[Shape] = [
        ("closed" if closed else "open", smooth_line(placed[list(run)], closed), "face")
        for run, closed in runs
    ]
    for side in SIDES:
        own = WFLW98_LAYOUT.sides[side]
        curves = (graph_through(placed[None, list(lid)]) for lid in (own.upper_lid, own.lower_lid))
        shapes += [("open", _followed(curve), "face") for curve in curves]
    lips = WFLW98_LAYOUT.sides["left"]
    for chain in (lips.inner_upper, lips.inner_lower):
        shapes.append(("open", _followed(curve_through(placed[None, list(chain)])), "face"))
    return [*shapes, *(("ring", placed[[pupil]], "face") for pupil in (96, 97))]


def _followed(curve: Curve) -> Floats:
    places = np.linspace(0.0, curve.pieces.shape[1], 41)
    return np.concatenate([curve.at(np.array([place])) for place in places])


def _axes(placed: Floats) -> list[Shape]:
    far = placed[:, 0].max()
    return [
        ("open", np.array([[-far, 0.0], [far, 0.0]]), "axis"),
        ("open", np.array([[0.0, 0.2], [0.0, placed[16, 1] - 0.02]]), "axis"),
        ("x", np.array([[far + 0.02, -0.01]]), ""),
        ("y", np.array([[-0.006, 0.21]]), ""),
    ]


def _of_side(own: Floats, side: Side, layout: SideLayout) -> list[Shape]:
    """The measures of one side; own: (98, 2) with x outwards."""
    frames = own[None]
    lids = [graph_through(frames[:, chain]) for chain in (layout.upper_lid, layout.lower_lid)]
    brow = graph_through(frames[:, layout.brow])
    lower = curve_through(frames[:, layout.lower_lip])
    inner = [curve_through(frames[:, chain]) for chain in (layout.inner_upper, layout.inner_lower)]
    pupil, corner = own[layout.pupil or 0], own[layout.commissure]
    middle = lower.at(lower.place_where(lambda points: points[..., 0]))[0]
    half = halfway_point(curve_through(frames[:, layout.upper_lip]), corner[None])[0]

    def at(curve: Curve, x: float) -> Floats:
        return np.array([x, float(curve.at_x(np.array([x]))[0])])

    across = float(own[list(layout.eye.corners), 0].mean()) + 0.045
    shapes: list[Shape] = [
        ("open", np.stack([middle, corner]), "side"),
        ("open", np.stack([pupil, at(lids[0], pupil[0])]), "side"),
        ("open", np.stack([pupil, at(lids[1], pupil[0])]), "other"),
        ("open", np.stack([pupil + np.array([-0.01, 0.0]), at(brow, pupil[0] - 0.01)]), "side"),
        ("open", np.stack([at(lids[0], across), at(lids[1], across)]), "other"),
        ("open", np.stack([at(inner[0], half[0]), at(inner[1], half[0])]), "side"),
        ("open", np.stack([own[layout.alar_base], own[layout.alar_base] * [1.0, 0.0]]), "other"),
        *(("dot", point[None], "mark") for point in (pupil, corner, middle, half)),
    ]
    captions = {
        "1": (middle + corner) / 2 + np.array([0.02, -0.035]),
        "2": middle + np.array([0.035, 0.005]),
        "3": pupil + np.array([0.012, 0.012]),
        "4": pupil + np.array([0.012, -0.03]),
        "5": at(lids[1], across) + np.array([0.005, -0.03]),
        "6": (pupil + at(brow, pupil[0])) / 2 + np.array([-0.04, 0.02]),
        "7": at(inner[1], half[0]) + np.array([-0.02, 0.02]),
        "8": np.array([0.02, float(at(inner[0], 0.02)[1]) - 0.04]),
        "9": own[layout.alar_base] * [1.0, 0.5] + np.array([0.012, 0.0]),
    }
    if side == "left":
        shapes += [(number, where[None], "") for number, where in captions.items()]
    return [(kind, seen_from(side, where), name) for kind, where, name in shapes]


def _of_face(placed: Floats) -> list[Shape]:
    """What is told of both sides together."""
    left, right = (placed[WFLW98_LAYOUT.sides[side].commissure] for side in SIDES)
    philtrum, chin = placed[WFLW98_LAYOUT.philtrum], placed[WFLW98_LAYOUT.chin]
    return [
        ("open", np.stack([left, right]), "axis"),
        ("10", right[None] + np.array([-0.05, 0.01]), ""),
        *(("dot", point[None], "mark") for point in (philtrum, chin)),
        ("11", philtrum[None] + np.array([-0.045, 0.012]), ""),
        ("12", chin[None] + np.array([0.012, 0.012]), ""),
    ]
