"""Which action units (AUs) the tables have, and which of them a model gives.

Columns: OpenFace 2's order. The eight scores of OpenFace 3.0's head are *occurrence* scores,
trained on DISFA intensities of 2 and more: its demo labels them as below, and its training picks
the columns of just these AUs. The first Face Mirror labelled them otherwise and called them
intensities, so its AU12 column held the nose wrinkler (AU09); its labels can be asked for by name,
to reproduce old files.
"""

from typing import Literal

AuLabels = Literal["openface3", "face-mirror-1"]

FaceKind = Literal["mirrored", "original"]
"""Which faces are measured: the two mirrored ones, or the one as filmed."""

COLUMNS = (
    *("AU01", "AU02", "AU04", "AU05", "AU06", "AU07", "AU09", "AU10", "AU12", "AU14"),
    *("AU15", "AU16", "AU17", "AU20", "AU23", "AU25", "AU26", "AU45"),
)

HEAD_LABELS: dict[AuLabels, tuple[str, ...]] = {
    "openface3": ("AU01", "AU02", "AU04", "AU06", "AU09", "AU12", "AU25", "AU26"),
    "face-mirror-1": ("AU01", "AU02", "AU04", "AU06", "AU12", "AU15", "AU20", "AU25"),
}

PRESENT_SCORE = 0.5
"""An occurrence score above this reads as present."""

PRESENT_AU45 = 2.5
"""An eye more than half shut reads as present."""


def au_sources(labels: AuLabels) -> dict[str, str]:
    """How each AU that is given was obtained, for people to read."""
    head = "occurrence score 0-1 of OpenFace 3.0's multi-task head, not an intensity; present > 0.5"
    if labels != "openface3":
        head += f"; labelled as {labels} did, which is known to be wrong for some AUs"
    sources = dict.fromkeys(HEAD_LABELS[labels], head)
    sources["AU45"] = (
        "eye aspect ratio of the unsmoothed landmarks, 0 (0.25 and wider) to 5 (0.05 and narrower);"
        " present > 2.5"
    )
    return sources
