"""How many px a millimetre has in each frame of a recording, from the irises of all of them.

An adult's iris measures 11.77 mm across, give or take half a millimetre, whoever it is (Guarin et
al. 2018, Emotrics). Each frame's own iris would make a poor ruler: it is small, and a closing eye
hides it. So the recording has one value: how large its irises are beside its face. The face's size
in each frame then tells the px of a millimetre there, also while the head comes nearer.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.outputs.measures.filmed_faces import FilmedFaces
from workers.arrays import Floats
from workers.face.head_pose import TURNED_YAW
from workers.face.mirroring import SIDES
from workers.measures.face_size import face_sizes
from workers.measures.irises import opening, ring_diameters, too_closed
from workers.measures.layout import FaceLayout

IRIS_MM = 11.77
"""mm: an adult's iris, across."""

STEADY_SECONDS = 0.5
"""The face's size in a frame is the median of the frames up to this much before and after it."""

Unit = Literal["mm", "icd"]
"""icd: distances between the inner canthi, the inner corners of the eyes."""


@dataclass(frozen=True, slots=True, eq=False)
class Ruler:
    """px: (n,) in one unit, NaN where no face is near; frames: how many it was made of; spread: the
    standard deviation of one frame's, as a share; turned: none of them looked ahead."""

    unit: Unit
    px: Floats
    frames: int
    spread: float
    turned: bool


def ruler(faces: FilmedFaces, layout: FaceLayout) -> Ruler:
    """The ruler of a recording: mm where an open eye's iris was seen in a face that looks ahead,
    else icd."""
    sizes, irises, canthi = _sizes(faces, layout)
    steady = _steady(sizes, faces.times)
    ahead = np.abs(faces.yaws) <= TURNED_YAW
    references: tuple[tuple[Unit, Floats, float, bool], ...] = (
        ("mm", np.where(ahead, irises / sizes, np.nan), IRIS_MM, False),
        ("icd", np.where(ahead, canthi / sizes, np.nan), 1.0, False),
        ("icd", canthi / sizes, 1.0, True),
    )
    for unit, shares, length, turned in references:
        known = shares[np.isfinite(shares) & (shares > 0.0)]
        if known.size:
            middle = float(np.median(known))
            spread = 1.4826 * float(np.median(np.abs(known - middle))) / middle
            return Ruler(unit, steady * middle / length, known.size, spread, turned)
    return Ruler("icd", np.full(len(faces), np.nan), 0, 0.0, turned=False)


def _sizes(faces: FilmedFaces, layout: FaceLayout) -> tuple[Floats, Floats, Floats]:
    """(n,) each: the face's size; the mean diameter of the irises of open eyes, and the distance
    between the inner canthi, px."""
    sizes, canthi = np.full(len(faces), np.nan), np.full(len(faces), np.nan)
    openings = np.full((len(faces), 2), np.nan)
    seen = faces.seen_points()
    for block in faces.blocks():
        points = seen[block].astype(np.float64)
        sizes[block] = face_sizes(points, layout)
        right, left = (points[:, canthus] for canthus in layout.inner_canthi)
        canthi[block] = np.hypot(*(left - right).T)
        for place, side in enumerate(SIDES):
            openings[block, place] = opening(points, layout.sides[side].eye)
    sizes[sizes <= 0.0] = np.nan
    diameters = ring_diameters(faces.rings)
    for place in range(len(SIDES)):
        hidden = too_closed(openings[:, place]) | ~np.isfinite(openings[:, place])
        diameters[hidden, place] = np.nan
    count = np.isfinite(diameters).sum(axis=1)
    total = np.nan_to_num(diameters).sum(axis=1)
    irises = np.divide(total, count, out=np.full(len(faces), np.nan), where=count > 0)
    return sizes, irises, canthi


def _steady(sizes: Floats, times: Floats) -> Floats:
    """The running median (n,) of what is known; NaN where nothing near is, or no face."""
    first = np.searchsorted(times, times - STEADY_SECONDS, side="left")
    last = np.searchsorted(times, times + STEADY_SECONDS, side="right")
    steady = np.full(len(sizes), np.nan)
    for i in range(len(sizes)):
        near = sizes[first[i] : last[i]]
        near = near[np.isfinite(near)]
        if near.size:
            steady[i] = np.median(near)
    return steady
