"""Which models an analysis needs, and whether they are there."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from weights.checked_files import CheckedFile
from weights.manifest import (
    AuMethod,
    InstalledModel,
    WeightsError,
    read_record,
    verify_model,
)
from workers.face.scheme import LandmarkName
from workers.session.backends import QUANTIZED, PrecisionChoice, permitted_kinds

LANDMARKS_AND_AUS: tuple[tuple[LandmarkName, AuMethod], ...] = (
    ("star98", "openface3"),
    ("pfld68", "openface3"),
    ("clnf68", "openface3"),
    ("pfld68", "openface2"),
    ("clnf68", "openface2"),
)
"""What goes together."""

NO_NETWORKS = ("clnf68", "openface2_aus")
"""Models that are arrays, of one kind, and that numpy runs."""


def model_names(landmarks: LandmarkName, aus: AuMethod) -> tuple[str, ...]:
    """The models that an analysis with these landmarks and AUs runs."""
    au_model = "mtl_aus" if aus == "openface3" else "openface2_aus"
    starting = ("pfld68",) if landmarks == "clnf68" else ()
    return ("retinaface_frame", "retinaface_face", *starting, landmarks, au_model)


def check_weights(
    weights: Path,
    landmarks: LandmarkName,
    aus: AuMethod = "openface3",
    checked: Collection[CheckedFile] = (),
) -> tuple[InstalledModel, ...]:
    """The record of each model needed; raises WeightsError where one is missing or changed.

    checked: files that another process has just found unchanged.
    """
    names = model_names(landmarks, aus)
    with ThreadPoolExecutor() as threads:  # a checksum takes 0.1 s a core
        return tuple(threads.map(lambda name: verify_model(weights, name, checked), names))


def files_before_the_check(
    weights: Path, landmarks: LandmarkName, aus: AuMethod
) -> tuple[CheckedFile, ...]:
    """The files that `check_weights` looks at, as they are now: once it has passed, they count as
    checked. Those that are not there or not recorded are left out."""
    recorded = read_record(weights).models
    found = []
    for name in model_names(landmarks, aus):
        with suppress(OSError, KeyError):
            model = recorded[name]
            found.append(CheckedFile.as_it_is(weights / model.file, model.sha256))
    return tuple(found)


def check_precision(installed: tuple[InstalledModel, ...], precision: PrecisionChoice) -> None:
    """Raises WeightsError where no network's record has a kind of a precision: those that have none
    would drift too far, and are run in float32."""
    kinds = permitted_kinds(precision)
    if "fp32" in kinds:
        return
    networks = [model for model in installed if model.name not in NO_NETWORKS]
    making = "convert"
    if precision == "int8":
        networks = [model for model in networks if model.name == QUANTIZED]
        making = "quantize RECORDINGS"
        if not networks:
            raise WeightsError(f"--precision int8 is for --landmarks {QUANTIZED}: leave it out")
    lacking = [
        model.file for model in networks if not any(one.kind in kinds for one in model.variants)
    ]
    if len(lacking) == len(networks):
        raise WeightsError(
            f"these weights have no {precision} kind of {', '.join(lacking)}: type 'facemirror "
            f"weights {making}', or leave out --precision {precision}"
        )
