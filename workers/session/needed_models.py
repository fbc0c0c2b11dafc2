"""Which models an analysis needs, and whether they are there."""

from pathlib import Path

from weights.manifest import AuMethod, InstalledModel, verify_model
from workers.face.scheme import LandmarkName

LANDMARKS_AND_AUS: tuple[tuple[LandmarkName, AuMethod], ...] = (
    ("star98", "openface3"),
    ("pfld68", "openface3"),
    ("clnf68", "openface3"),
    ("pfld68", "openface2"),
    ("clnf68", "openface2"),
)
"""What goes together."""


def model_names(landmarks: LandmarkName, aus: AuMethod) -> tuple[str, ...]:
    """The models that an analysis with these landmarks and AUs runs."""
    au_model = "mtl_aus" if aus == "openface3" else "openface2_aus"
    starting = ("pfld68",) if landmarks == "clnf68" else ()
    return ("retinaface_frame", "retinaface_face", *starting, landmarks, au_model)


def check_weights(
    weights: Path, landmarks: LandmarkName, aus: AuMethod = "openface3"
) -> tuple[InstalledModel, ...]:
    """The record of each model needed; raises WeightsError where one is missing or changed."""
    return tuple(verify_model(weights, name) for name in model_names(landmarks, aus))
