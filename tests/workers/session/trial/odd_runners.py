"""Runners made for tests: an attempt's program whose networks run as the backend's name tells.

    python -m tests.workers.session.trial.odd_runners REQUEST

Underneath each is ONNX Runtime on the CPU with the float32 model, whatever kind is asked for.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from workers.arrays import Tensor
from workers.models.runner import Runner
from workers.session.backends import CPU, Backend
from workers.session.runners import open_runner
from workers.session.trial import attempt

QUICK = Backend("coreml", "coreml", "coremltools", "CPU_AND_NE")
WRONG = Backend("coreml", "coreml", "coremltools", "CPU_AND_GPU")
HANGING = Backend("coreml", "coreml", "coremltools", "ALL")
DYING = Backend("coreml", "fp16", "onnxruntime", "CPU_AND_NE")
NO_NUMBERS = Backend("coreml", "fp16", "onnxruntime", "CPU_AND_GPU")
REFUSING = Backend("coreml", "fp16", "onnxruntime", "ALL")
SLOW = Backend("coreml", "fp32", "onnxruntime", "CPU_AND_GPU")

BATCHED = replace(QUICK, star_batch=4)
MIXED_UP = replace(DYING, star_batch=4)
"""Gives the rows of a batch in another order."""

POINTS_OFF = 1.2 / 128
"""STAR's, in units of half its crop: 1.2 px."""


class OddRunner:
    """The network of another runner, run oddly."""

    def __init__(self, inner: Runner, oddly: Callable[[list[Tensor]], list[Tensor]]) -> None:
        self.input_shapes = inner.input_shapes
        self._inner, self._oddly = inner, oddly

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        return self._oddly(self._inner.run(outputs, **inputs))


class QuickRunner:
    """Knows the answers to what it was asked before."""

    def __init__(self, inner: Runner) -> None:
        self.input_shapes = inner.input_shapes
        self._inner: Runner = inner
        self._known: dict[float, list[Tensor]] = {}

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        (given,) = inputs.values()
        key = float(given[..., ::64, ::64].sum())
        if key not in self._known:
            self._known[key] = self._inner.run(outputs, **inputs)
        return self._known[key]


class BatchRunner:
    """STAR for several crops at once, one by one underneath."""

    def __init__(self, inner: Runner, batch: int, mixed_up: bool) -> None:
        ((name, shape),) = inner.input_shapes.items()
        self.input_shapes = {name: (batch, *shape[1:])}
        self._inner, self._mixed_up = inner, mixed_up

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        ((name, crops),) = inputs.items()
        answers = [self._inner.run(outputs, **{name: crop[None]}) for crop in crops]
        if self._mixed_up:
            answers = answers[1:] + answers[:1]
        return [np.concatenate(rows) for rows in zip(*answers, strict=True)]


def moved(answers: list[Tensor]) -> list[Tensor]:
    return [answers[0] + np.float32(POINTS_OFF), *answers[1:]]


def no_numbers(answers: list[Tensor]) -> list[Tensor]:
    return [np.full_like(answer, np.nan) for answer in answers]


def late(answers: list[Tensor]) -> list[Tensor]:
    time.sleep(0.2)
    return answers


def never(answers: list[Tensor]) -> list[Tensor]:
    time.sleep(3600)
    return answers


def dead(answers: list[Tensor]) -> list[Tensor]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return answers


def refused(answers: list[Tensor]) -> list[Tensor]:
    raise RuntimeError("no such device")


def oddly(backend: Backend, name: str, inner: Runner) -> Runner:
    if backend.star_batch > 1:
        many, mixed_up = backend.star_batch, backend == MIXED_UP
        return BatchRunner(inner, many, mixed_up) if name == "star98" else inner
    if backend == QUICK:
        return QuickRunner(inner)
    odd = {HANGING: never, DYING: dead, NO_NUMBERS: no_numbers, REFUSING: refused, SLOW: late}
    odd |= {WRONG: moved} if name == "star98" else {}
    return OddRunner(inner, odd[backend]) if backend in odd else inner


def main() -> None:
    attempt.TIMED_SECONDS = 0.1
    request = msgspec.json.decode(sys.argv[1], type=attempt.AttemptRequest)

    def opened(installed, batch):
        inner = open_runner(Path(request.weights), installed, CPU, Path(request.compiled))
        return oddly(request.backend, installed.name, inner)

    attempt.main(sys.argv[1:], opened)


if __name__ == "__main__":
    main()
