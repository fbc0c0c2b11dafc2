"""Which settings of an analysis go together."""

import re

from ops.errors import UsageError
from weights.manifest import AuMethod
from workers.aus.labels import AuLabels, FaceKind
from workers.chunk.order import AnalysisSettings, Smoothing
from workers.face.scheme import SCHEMES, LandmarkName

DEFAULT_LANDMARKS: dict[AuMethod, LandmarkName] = {"openface3": "star98", "openface2": "clnf68"}


OPENFACE2_POINTS = 68


def chosen_analysis(
    *,
    landmarks: LandmarkName | None,
    aus: AuMethod,
    faces: FaceKind,
    smoothing: Smoothing,
    au_labels: AuLabels,
    flip: bool,
    debug_video: bool,
    fast: bool,
) -> AnalysisSettings:
    """The settings asked for; landmarks None: what the AU method wants.

    Raises UsageError where they do not go together.
    """
    analysis = AnalysisSettings(
        landmarks=landmarks or DEFAULT_LANDMARKS[aus],
        aus=aus,
        faces=faces,
        smoothing=smoothing,
        flip=flip,
        debug_video=debug_video,
        fast=fast,
    )
    require_compatible(analysis, au_labels)
    return analysis


def require_compatible(analysis: AnalysisSettings, au_labels: AuLabels) -> None:
    """Raises UsageError for settings that do not go together."""
    if analysis.aus == "openface3" and analysis.faces == "original":
        raise UsageError(
            "--faces original needs --aus openface2: OpenFace 3's AUs are measured in pairs"
        )
    if analysis.faces == "original" and analysis.smoothing != "none":
        raise UsageError(
            f"--smoothing {analysis.smoothing} is about mirroring: leave it out with "
            "--faces original"
        )
    if analysis.aus == "openface2" and SCHEMES[analysis.landmarks].count != OPENFACE2_POINTS:
        raise UsageError(
            f"--aus openface2 needs 68 points: leave out --landmarks {analysis.landmarks}"
        )
    if analysis.fast and analysis.landmarks == "clnf68":
        raise UsageError(
            "--fast is for star98 and pfld68: OpenFace 2's own tracker looks at every frame. Add "
            "--landmarks pfld68, or leave --fast out"
        )
    if analysis.aus == "openface2" and au_labels != "openface3":
        raise UsageError(f"--au-labels {au_labels} renames OpenFace 3's scores: leave it out")


def chosen_rest(said: str | None) -> tuple[float, float] | None:
    """When the face is at rest, s, of what was said: `2-3.5`; None: to be found.

    Raises UsageError for what is no such time.
    """
    if said is None:
        return None
    times = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*", said)
    if times is None or float(times[1]) >= float(times[2]):
        raise UsageError(f"--rest {said}: give two times in seconds, like 2-3.5")
    return float(times[1]), float(times[2])
