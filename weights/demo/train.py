"""Trains the demo networks on rendered phantoms and writes them as ONNX models.

    python -m weights.demo.train --out weights/demo/models

Needs the extra `convert` (torch, onnx). Takes an hour on two CPU cores. Everything is seeded,
so a second run on the same kind of machine writes the same files, byte by byte; TRAINING.md, which
this writes beside the folder, has the settings, the reached errors and the checksums.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from weights.demo.face_shape import PARTNER
from weights.demo.learning.evaluation import au_errors, detector_errors, landmark_errors
from weights.demo.learning.losses import au_loss, detector_loss, landmark_loss
from weights.demo.learning.networks import ActionUnits, Detector, Landmarker
from weights.demo.learning.publishing import publish
from weights.demo.learning.report import Trained, write_report
from weights.demo.learning.samples import au_samples, detector_sample, landmark_sample
from weights.demo.learning.training import Batch, Schedule, make_deterministic, train

HERE = Path(__file__).parent
PROCESSES = 2
SEEN_ON = 20211  # seed of the samples that errors are measured on; no step's generator has it


@dataclass(frozen=True, slots=True)
class Lesson:
    """How one network is trained, measured, and under which model names it is published."""

    network: Callable[[], nn.Module]
    batch: Callable[[np.random.Generator, int], Batch]
    loss: Callable[..., Tensor]
    schedule: Schedule
    errors: Callable[[nn.Module, Batch], dict[str, float]]
    models: tuple[str, ...]


def landmark_batch(draw: np.random.Generator, count: int = 16) -> Batch:
    """images (N, 3, 256, 256), points (N, 98, 2), face (N,): half of them the others flipped."""
    made = (landmark_sample(draw) for _ in range(count // 2))
    images, points, faces = zip(*made, strict=True)
    seen, places = _stacked(images), _stacked(points)
    flipped = places[:, torch.from_numpy(PARTNER)] * torch.tensor([-1.0, 1.0])
    face = torch.tensor(faces, dtype=torch.float32).repeat(2)
    return torch.cat([seen, seen.flip(3)]), torch.cat([places, flipped]), face


def au_batch(draw: np.random.Generator, count: int = 32) -> Batch:
    """faces (N, 3, 224, 224), aus (N, 8): half of them the others flipped."""
    faces, aus = zip(*(au_samples(draw) for _ in range(count // 4)), strict=True)
    seen, driven = _stacked(faces).flatten(0, 1), _stacked(aus).flatten(0, 1)
    return torch.cat([seen, seen.flip(3)]), driven.repeat(2, 1)


def detector_batch(draw: np.random.Generator, step: int) -> Batch:
    """images (N, 3, S, S), boxes (N, 4): half of them the others flipped.

    Small pictures, and every third time large ones.
    """
    side, count, small, large = (448, 2, 90.0, 390.0) if step % 3 == 2 else (224, 6, 48.0, 188.0)
    made = (detector_sample(draw, side, small, large) for _ in range(count))
    images, boxes = zip(*made, strict=True)
    seen, places = _stacked(images), _stacked(boxes).float()
    flipped = torch.stack(
        [side - 1 - places[:, 2], places[:, 1], side - 1 - places[:, 0], places[:, 3]], dim=1
    )
    return torch.cat([seen, seen.flip(3)]), torch.cat([places, flipped])


def _stacked(arrays: tuple[np.ndarray, ...]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))


LESSONS = (
    Lesson(
        Landmarker,
        lambda draw, _: landmark_batch(draw),
        landmark_loss,
        Schedule(steps=6000, seed=1),
        landmark_errors,
        ("star98",),
    ),
    Lesson(
        ActionUnits,
        lambda draw, _: au_batch(draw),
        au_loss,
        Schedule(steps=7000, seed=2),
        au_errors,
        ("mtl_aus",),
    ),
    Lesson(
        Detector,
        detector_batch,
        detector_loss,
        Schedule(steps=3600, seed=3),
        detector_errors,
        ("retinaface_frame", "retinaface_face"),
    ),
)


def learn(number: int) -> tuple[nn.Module, dict[str, float]]:
    """Train one lesson's network; the network and its mean errors on held samples."""
    cv2.setNumThreads(1)
    make_deterministic()
    lesson = LESSONS[number]
    torch.manual_seed(lesson.schedule.seed)
    network = train(lesson.network(), lesson.batch, lesson.loss, lesson.schedule, say)
    held = [lesson.batch(np.random.default_rng([SEEN_ON, step]), step) for step in range(12)]
    with torch.inference_mode():
        measured = [lesson.errors(network, batch) for batch in held]
    return network, {n: float(np.nanmean([one[n] for one in measured])) for n in measured[0]}


def say(line: str) -> None:
    """Progress, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def train_all(out: Path) -> list[Trained]:
    """Train the networks side by side in two processes, and publish them into a folder."""
    trained = []
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        for lesson, (network, errors) in zip(
            LESSONS, processes.map(learn, range(len(LESSONS))), strict=True
        ):
            installed = tuple(publish(name, network, out) for name in lesson.models)
            trained.append(Trained(type(network).__name__, lesson.schedule, errors, installed))
    return trained


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the demo networks on rendered phantoms.")
    parser.add_argument("--out", type=Path, default=HERE / "models", help="folder for the models")
    out: Path = parser.parse_args().out
    make_deterministic()
    report = write_report(out.resolve().parent / "TRAINING.md", train_all(out))
    say(f"wrote {out} and {report}")


if __name__ == "__main__":
    main()
