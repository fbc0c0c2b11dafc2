"""Choices of settings that `run` and `submit` share."""

from enum import StrEnum


class Landmarks(StrEnum):
    """Landmark models."""

    star98 = "star98"
    pfld68 = "pfld68"


class Aus(StrEnum):
    """Whose action units."""

    openface3 = "openface3"
    openface2 = "openface2"


class Faces(StrEnum):
    """Which faces are measured."""

    mirrored = "mirrored"
    original = "original"


class AuLabels(StrEnum):
    """Names for the eight scores of the AU head."""

    openface3 = "openface3"
    face_mirror_1 = "face-mirror-1"
