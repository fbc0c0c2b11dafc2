"""Settings that `run` and `submit` share, as options of a command."""

from enum import StrEnum
from typing import Annotated

import typer


class Landmarks(StrEnum):
    """Landmark models."""

    star98 = "star98"
    pfld68 = "pfld68"
    clnf68 = "clnf68"


class Aus(StrEnum):
    """Whose action units."""

    openface3 = "openface3"
    openface2 = "openface2"


class Faces(StrEnum):
    """Which faces are measured."""

    mirrored = "mirrored"
    original = "original"


class Smoothing(StrEnum):
    """Over which frames the midline and the landmarks that place the crops are averaged."""

    none = "none"
    face_mirror_1 = "face-mirror-1"


class AuLabels(StrEnum):
    """Names for the eight scores of the AU head."""

    openface3 = "openface3"
    face_mirror_1 = "face-mirror-1"


class Encoder(StrEnum):
    """What writes the videos."""

    auto = "auto"
    x264 = "x264"
    videotoolbox = "videotoolbox"


class Precision(StrEnum):
    """What the numbers between a network's layers are."""

    any = "any"
    fp32 = "fp32"
    fp16 = "fp16"
    int8 = "int8"


FITTING = "what fits the machine"
MEASURED = "What is measured"

AusOption = Annotated[
    Aus,
    typer.Option(
        help="openface3: occurrence scores; openface2: intensities.", rich_help_panel=MEASURED
    ),
]
FacesOption = Annotated[
    Faces,
    typer.Option(
        help="original: one table of the face as filmed, nothing mirrored.",
        rich_help_panel=MEASURED,
    ),
]
LandmarksOption = Annotated[
    Landmarks | None,
    typer.Option(
        help="star98: 98 points; clnf68: OpenFace 2's own tracker; pfld68: 68 points, quick and "
        "less exact.",
        show_default="star98; clnf68 for openface2",
        rich_help_panel=MEASURED,
    ),
]
AuLabelsOption = Annotated[
    AuLabels,
    typer.Option(
        help="face-mirror-1 repeats the first Face Mirror's wrong names.",
        rich_help_panel=MEASURED,
    ),
]
SmoothingOption = Annotated[
    Smoothing,
    typer.Option(
        help="face-mirror-1 repeats the first Face Mirror's midline, which lags behind a moving "
        "head; for reproducing old studies.",
        rich_help_panel=MEASURED,
    ),
]
FlipOption = Annotated[
    bool,
    typer.Option(
        "--flip",
        help="The recordings are mirror images (selfie cameras).",
        rich_help_panel=MEASURED,
    ),
]
DebugVideoOption = Annotated[
    bool,
    typer.Option(
        "--debug-video",
        help="Also write landmarks and midline as a video.",
        rich_help_panel=MEASURED,
    ),
]
FastOption = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="The landmark model looks at one frame in five, about, and wherever eyes, mouth or "
        "head move so that it must; in between its points are followed. For star98 and pfld68.",
        rich_help_panel=MEASURED,
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Analyse anew what is finished. Without it, outputs in --out that the same file, "
        "settings, weights and provider gave are kept.",
    ),
]
PrecisionOption = Annotated[
    Precision,
    typer.Option(
        metavar="NUMBERS",
        help="What the networks compute in: fp32, fp16; any: which of these is right and fastest; "
        "int8: faster on a CPU, less exact (see 'facemirror weights quantize').",
    ),
]
EncoderOption = Annotated[
    Encoder,
    typer.Option(
        metavar="ENCODER",
        help="What writes the videos: x264, the same bytes everywhere; videotoolbox, a Mac's "
        "hardware; auto: the latter on Macs.",
    ),
]
RestOption = Annotated[
    str | None,
    typer.Option(
        metavar="START-END",
        show_default="the calmest second",
        help="When the face is at rest, s from the start.",
    ),
]
