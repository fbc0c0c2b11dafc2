"""How far a quantized landmark model's numbers lie from float32's, on whole frames."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from workers.arrays import Floats, Image, Tensor
from workers.aus.occurrence_scores import OccurrenceScores
from workers.chunk.analysis import analysed_face
from workers.face.tracking import FaceTracker, TrackedFace
from workers.models import star98
from workers.session.loading import Models


@dataclass(frozen=True, slots=True, eq=False)
class FrameNumbers:
    """points: (98, 2), px of STAR's crop; scores: (2, 8) of the mirrored faces, 0 to 1; closure:
    (2,), AU45, 0 to 5. scores and closure are NaN where the landmarks give no midline."""

    points: Floats
    scores: Floats
    closure: Floats


@dataclass(frozen=True, slots=True)
class Drift:
    """Of some frames: means and largest ones of landmarks' distances, px of STAR's crop of 256 px;
    of AU scores' differences, 0 to 1; of AU45's, 0 to 5."""

    frames: int
    mean_px: float
    largest_px: float
    mean_score: float
    largest_score: float
    mean_closure: float
    largest_closure: float

    def __str__(self) -> str:
        return (
            f"landmarks {self.mean_px:.2f} px from float32's on average and {self.largest_px:.2f} "
            f"px at most (of a crop of {star98.SIZE} px), AU scores {self.mean_score:.3f} and "
            f"{self.largest_score:.3f} (of 1), AU45 {self.mean_closure:.2f} and "
            f"{self.largest_closure:.2f} (of 5), on {self.frames} held frames"
        )


def face_of(picture: Image, models: Models) -> TrackedFace | None:
    """The most prominent face of a picture by itself."""
    tracker = FaceTracker(models.seeker, models.verifier, models.landmarker)
    return tracker.step(0, picture).face


def star_input(picture: Image, face: TrackedFace) -> Tensor:
    """What STAR sees of a face (1, 3, 256, 256)."""
    return star98.as_input(star98.crop(picture, _to_crop(face)))


def frame_numbers(picture: Image, face: TrackedFace, models: Models) -> FrameNumbers:
    """What the analysis makes of a face whose box is known, with the models' own landmarks."""
    points = models.landmarker.locate(picture, np.trunc(face.box)).points
    scheme = models.landmarker.scheme
    found = analysed_face(
        picture, replace(face, points=points), [replace(face, points=points)], scheme
    )
    aus = models.measurer("mirrored").of_no_face()
    if found is not None:
        aus = models.measurer("mirrored").measure(0, picture, found) or aus
    assert isinstance(aus, OccurrenceScores)
    to_crop = _to_crop(face).astype(np.float64)
    return FrameNumbers(
        points=points @ to_crop[:2, :2].T + to_crop[:2, 2],
        scores=aus.head_scores[0].astype(np.float64),
        closure=aus.au45[0].astype(np.float64),
    )


def drift(pairs: Iterable[tuple[FrameNumbers, FrameNumbers]]) -> Drift:
    """Of pairs of a frame's numbers, by float32 first; infinite where only one has a number."""
    every = list(pairs)
    distances = _largest_where_missing(
        [np.linalg.norm(there.points - here.points, axis=1) for here, there in every]
    )
    scores = _largest_where_missing(_apart([(a.scores, b.scores) for a, b in every]))
    closure = _largest_where_missing(_apart([(a.closure, b.closure) for a, b in every]))
    return Drift(
        frames=len(every),
        mean_px=float(distances.mean()),
        largest_px=float(distances.max()),
        mean_score=float(scores.mean()),
        largest_score=float(scores.max()),
        mean_closure=float(closure.mean()),
        largest_closure=float(closure.max()),
    )


def _apart(pairs: list[tuple[Floats, Floats]]) -> list[Floats]:
    return [
        np.where(np.isnan(here) & np.isnan(there), 0.0, np.abs(there - here))
        for here, there in pairs
    ]


def _largest_where_missing(differences: list[Floats]) -> Floats:
    return np.nan_to_num(np.array(differences), nan=np.inf)


def _to_crop(face: TrackedFace) -> Tensor:
    return star98.crop_matrix(np.trunc(face.box))
