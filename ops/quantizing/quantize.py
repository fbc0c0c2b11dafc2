"""Quantizing the landmark model of a weights folder, and trying it on frames new to it."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from ops.errors import UsageError
from ops.quantizing.drift import (
    Drift,
    FrameNumbers,
    drift,
    face_of,
    frame_numbers,
    star_input,
)
from ops.quantizing.frames import ChosenFrames, chosen_frames, pictures
from weights.manifest import (
    InstalledModel,
    ModelVariant,
    read_record,
    sha256_of,
    variant_file,
    write_record,
)
from workers.arrays import Image, Tensor
from workers.face.scheme import LandmarkName
from workers.face.tracking import TrackedFace
from workers.models.runner import Runner
from workers.models.star98 import Star98
from workers.session.backends import CPU
from workers.session.loading import Models, load_models
from workers.session.onnx_model import OnnxModel
from workers.session.providers import execution_providers

MODEL: LandmarkName = "star98"
"""It takes nine tenths of a frame's time. The AU head would gain 4 of its 18 ms, and its scores are
what is measured."""

LARGEST_MEAN_PX = 3.0
"""Landmarks may lie so far from float32's on average: about what STAR itself is off on WFLW (4 % of
the distance between the outer corners of the eyes, which are some 75 px apart in its crop)."""

FEWEST_FACES = 8
"""Of the frames to calibrate with, and two of the held ones."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Quantized:
    """What came of it: the variant as recorded, None where it drifts too far; ms: of CPU time for a
    face, in float32 and quantized."""

    variant: ModelVariant | None
    drift: Drift
    ms: tuple[float, float]


def quantize_landmarks(
    recordings: Sequence[Path], weights: Path, frames: int, say: Say, *, anyway: bool = False
) -> Quantized:
    """Write the INT8 kind of a folder's STAR and record it, unless it drifts too far.

    frames: how many are looked at in all recordings together; anyway: however far it drifts, as
    long as it gives numbers. Raises WeightsError, VideoError, and UsageError where there are too
    few faces.
    """
    from weights.quantization import converter, note, quantize

    chosen = chosen_frames(recordings, frames)
    with tempfile.TemporaryDirectory(prefix=".quantizing-", dir=weights) as folder:
        models = load_models(weights, CPU, MODEL, "openface3", Path(folder))
        inputs = _calibration_inputs(chosen, models)
        say(f"calibrating with {len(inputs)} faces")
        made = Path(folder) / variant_file(MODEL, "int8")
        installed = read_record(weights).models[MODEL]
        quantize(weights / installed.file, inputs, made)
        runners = tuple(_on_cpu(path) for path in (weights / installed.file, made))
        found = drift(_held_numbers(chosen, models, runners[1]))
        ms = tuple(_milliseconds(runner, inputs[0]) for runner in runners)
        far = not np.isfinite(found.mean_px) or (found.mean_px > LARGEST_MEAN_PX and not anyway)
        if far:
            return Quantized(None, found, (ms[0], ms[1]))
        note(made, {"precision": "int8", "drift": str(found), "converter": converter()})
        variant = ModelVariant(
            kind="int8",
            file=made.name,
            sha256=sha256_of(made),
            batch=1,
            drift=round(found.mean_px, 4),
            unit="px of the crop, mean of held frames",
            converter=converter(),
        )
        made.replace(weights / made.name)
    write_record(weights, read_record(weights).having(_with(installed, variant)))
    return Quantized(variant, found, (ms[0], ms[1]))


def _calibration_inputs(chosen: Sequence[ChosenFrames], models: Models) -> list[Tensor]:
    seen = [
        star_input(picture, face)
        for one in chosen
        for picture, face in _faces(one, one.calibrating, models)
    ]
    if len(seen) < FEWEST_FACES:
        raise UsageError(
            f"{len(seen)} of the frames to calibrate with show a face, at least {FEWEST_FACES} "
            "must: give more or other recordings, or more --frames"
        )
    return seen


def _held_numbers(
    chosen: Sequence[ChosenFrames], models: Models, quantized: Runner
) -> list[tuple[FrameNumbers, FrameNumbers]]:
    """Of each held frame with a face, by float32 and by the quantized model."""
    other = replace(models, landmarker=Star98(quantized))
    pairs = [
        (frame_numbers(picture, face, models), frame_numbers(picture, face, other))
        for one in chosen
        for picture, face in _faces(one, one.held, models)
    ]
    if len(pairs) < FEWEST_FACES // 4:
        raise UsageError(
            f"{len(pairs)} of the held frames show a face: give more or other recordings, or more "
            "--frames"
        )
    return pairs


def _faces(
    chosen: ChosenFrames, frames: Sequence[int], models: Models
) -> Iterator[tuple[Image, TrackedFace]]:
    for picture in pictures(chosen.path, chosen.index, frames):
        face = face_of(picture, models)
        if face is not None:
            yield picture, face


def _on_cpu(path: Path) -> Runner:
    return OnnxModel(path, execution_providers("cpu", path.parent))


def _milliseconds(runner: Runner, face: Tensor, rounds: int = 5) -> float:
    """CPU time of one call."""
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        runner.run(["points", "confidence"], image=face)
        took.append(time.process_time() - begun)
    return 1000 * median(took)


def _with(installed: InstalledModel, variant: ModelVariant) -> InstalledModel:
    others = tuple(one for one in installed.variants if one.kind != variant.kind)
    return replace(installed, variants=(*others, variant))
