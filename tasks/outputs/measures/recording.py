"""The clinical measures of all frames of a recording, in its unit, and at rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.outputs.measures.filmed_faces import FilmedFaces
from tasks.outputs.measures.rest import Rest, found_rest
from tasks.outputs.measures.ruler import Ruler, Unit, ruler
from workers.arrays import Floats
from workers.measures.face_measures import OF_A_SIDE, OF_THE_FACE, Kind, measure_faces
from workers.measures.irises import iris_centres, shut_eyes, with_lids_together
from workers.measures.layout import FaceLayout

AGAINST_REST: dict[str, Kind] = {"nasolabial_excursion": "length", "eye_closure": "share"}
"""Measures of a side that compare it with itself at rest."""

SIDE_KINDS = {**OF_A_SIDE, **AGAINST_REST}


@dataclass(frozen=True, slots=True, eq=False)
class RecordingMeasures:
    """Of n frames; lengths in the ruler's unit, NaN where one cannot be told.

    of_sides: (n, 2) each by SIDES, the names of SIDE_KINDS; of_face: (n,) each, the names of
    OF_THE_FACE; inferred: (n, 2) whether the left and the right iris centre was taken from the
    eye's corners; shut: (n, 2) whether the left and the right eye is, so that its lids were put
    together; pupils_apart: (n,) between the iris centres; outside: (n,) whether a part of the
    face is outside the picture; rest: None where no face was ever measured.
    """

    faces: FilmedFaces
    ruler: Ruler
    of_sides: dict[str, Floats]
    of_face: dict[str, Floats]
    inferred: NDArray[np.bool_]
    shut: NDArray[np.bool_]
    pupils_apart: Floats
    outside: NDArray[np.bool_]
    rest: Rest | None


def measured_recording(
    faces: FilmedFaces, layout: FaceLayout, asked: tuple[float, float] | None = None
) -> RecordingMeasures:
    """asked: from when to when, s, the face is at rest; None: to be found.

    Raises ValueError where nothing was measured then.
    """
    scale = ruler(faces, layout)
    sides: dict[str, list[Floats]] = {name: [] for name in OF_A_SIDE}
    whole: dict[str, list[Floats]] = {name: [] for name in OF_THE_FACE}
    seen = faces.seen_points()
    centres = iris_centres(seen, faces.rings, layout)
    shut = shut_eyes(seen, faces.rings, layout)
    for block in faces.blocks():
        points = with_lids_together(seen[block].astype(np.float64), shut[block], layout)
        found = measure_faces(points, centres.points[block], layout)
        px = scale.px[block]
        for name, values in found.of_sides.items():
            sides[name].append(values / in_px(OF_A_SIDE[name], px)[:, None])
        for name, values in found.of_face.items():
            whole[name].append(values / in_px(OF_THE_FACE[name], px))
    of_sides = {name: np.concatenate(parts) for name, parts in sides.items()}
    rest = found_rest(faces, of_sides, asked)
    return RecordingMeasures(
        faces=faces,
        ruler=scale,
        of_sides=of_sides | _against(rest, of_sides),
        of_face={name: np.concatenate(parts) for name, parts in whole.items()},
        inferred=centres.inferred,
        shut=shut,
        pupils_apart=np.hypot(*(centres.points[:, 0] - centres.points[:, 1]).T) / scale.px,
        outside=faces.success & np.isnan(seen).any(axis=(1, 2)),
        rest=rest,
    )


def in_px(kind: Kind, px: Floats) -> Floats:
    """What a measure of this kind in px is divided by; px: (n,) in a unit."""
    if kind == "length":
        return px
    return px * px if kind == "area" else np.ones_like(px)


def unit_of(kind: Kind, unit: Unit) -> str:
    """The unit of a measure, as columns are named."""
    return {"length": unit, "area": f"{unit}2", "angle": "deg", "share": "share"}[kind]


def _against(rest: Rest | None, of_sides: dict[str, Floats]) -> dict[str, Floats]:
    drop, fissure = of_sides["alar_base_drop"], of_sides["palpebral_fissure_height"]
    if rest is None:
        return {name: np.full_like(drop, np.nan) for name in AGAINST_REST}
    usual = rest.median(fissure)
    open_at_rest = np.where(usual > 0.0, usual, np.nan)
    return {
        "nasolabial_excursion": rest.median(drop) - drop,
        "eye_closure": 1.0 - fissure / open_at_rest,
    }
