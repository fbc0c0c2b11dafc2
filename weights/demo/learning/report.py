"""TRAINING.md: how the demo models of this folder were made and how good they are."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch

from weights.demo.learning.training import THREADS, Schedule
from weights.manifest import InstalledModel


@dataclass(frozen=True, slots=True)
class Trained:
    """One network after its training. errors: by what is measured, with the unit."""

    network: str
    schedule: Schedule
    errors: dict[str, float]
    models: tuple[InstalledModel, ...]


def write_report(path: Path, trained: Sequence[Trained]) -> Path:
    """Write the report; it has no times in it, so a second run writes the same."""
    lines = [
        "# How the demo models were trained",
        "",
        "Written by `python -m weights.demo.train`; do not edit. The models read drawn faces, and",
        "only these: they must never measure anybody.",
        "",
        "| network | steps | seed | largest rate | weight decay |",
        "| --- | --- | --- | --- | --- |",
        *(_settings(one) for one in trained),
        "",
        "Errors on rendered samples that training never saw:",
        "",
        "| network | measured | error |",
        "| --- | --- | --- |",
        *(row for one in trained for row in _errors(one)),
        "",
        "| file | sha256 |",
        "| --- | --- |",
        *(f"| {model.file} | `{model.sha256}` |" for one in trained for model in one.models),
        "",
        f"Made with torch {torch.__version__} on {THREADS} thread a network, "
        f"onnx {onnx.__version__}, numpy {np.__version__}, OpenCV {cv2.__version__}, "
        f"{platform.machine()}.",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _settings(one: Trained) -> str:
    plan = one.schedule
    return f"| {one.network} | {plan.steps} | {plan.seed} | {plan.rate:g} | {plan.decay:g} |"


def _errors(one: Trained) -> list[str]:
    return [f"| {one.network} | {name} | {error:.3g} |" for name, error in one.errors.items()]
