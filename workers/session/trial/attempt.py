"""One attempt, in a process of its own: open all networks on a backend, compare, time.

    python -m workers.session.trial.attempt REQUEST

REQUEST, and what is said on the last line of standard output, are JSON.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import msgspec

from weights.manifest import InstalledModel
from workers.session.backends import Backend
from workers.session.trial.figures import NetworkFigures

if TYPE_CHECKING:
    from workers.models.runner import Runner

TIMED_SECONDS = 2.0
FEWEST_ROUNDS = 3

OpenNetwork = Callable[[InstalledModel, int], "Runner"]
"""Gives what runs a network, for so many times its pictures at once."""


class AttemptRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tried. answers: the file of the CPU's answers; reference: this is the CPU, and
    writes them; compiled: folder for compiled Core ML models."""

    weights: str
    networks: tuple[InstalledModel, ...]
    backend: Backend
    compiled: str
    answers: str
    reference: bool = False


def figures(request: AttemptRequest, open_network: OpenNetwork) -> tuple[NetworkFigures, ...]:
    """Run every network on the reference inputs, compare with the CPU's answers, and time it."""
    import numpy as np

    from workers.session.trial.reference import (
        OUTPUTS,
        answers_of_batch,
        deviation,
        reference_inputs,
    )

    def batch_of(name: str) -> int:
        return request.backend.star_batch if name == "star98" else 1

    runners = {one.name: open_network(one, batch_of(one.name)) for one in request.networks}
    shapes = {name: next(iter(runner.input_shapes.values())) for name, runner in runners.items()}
    inputs = {name: reference_inputs(name, shapes[name]) for name in runners}

    def run(name: str, n: int) -> list["np.typing.NDArray[np.float32]"]:
        (given,) = runners[name].input_shapes
        return runners[name].run(list(OUTPUTS[name]), **{given: inputs[name][n]})

    answers = {name: [run(name, n) for n in range(len(inputs[name]))] for name in runners}
    kept = Path(request.answers)
    if request.reference:
        flat = {
            f"{name} {n} {k}": array
            for name, calls in answers.items()
            for n, call in enumerate(calls)
            for k, array in enumerate(call)
        }
        np.savez(kept, **flat)  # type: ignore[arg-type]
    with np.load(kept) as file:
        expected = {
            name: answers_of_batch(
                [
                    [file[f"{name} {n} {k}"] for k in range(len(OUTPUTS[name]))]
                    for n in range(len(calls))
                ],
                batch_of(name),
            )
            for name, calls in answers.items()
        }
    ms = _timed(lambda name, n: run(name, n % len(inputs[name])), list(runners))
    return tuple(
        NetworkFigures(
            name,
            ms[name] / batch_of(name),
            deviation(name, shapes[name], answers[name], expected[name]),
        )
        for name in runners
    )


def _timed(run: Callable[[str, int], object], names: list[str]) -> dict[str, float]:
    """The median ms of a call, by network. They run in turns, as they do for a frame."""
    taken: dict[str, list[float]] = {name: [] for name in names}
    begun, rounds = time.perf_counter(), 0
    while rounds < FEWEST_ROUNDS or time.perf_counter() - begun < TIMED_SECONDS:
        for name in names:
            before = time.perf_counter()
            run(name, rounds)
            taken[name].append(1000 * (time.perf_counter() - before))
        rounds += 1
    return {name: median(times) for name, times in taken.items()}


def main(arguments: list[str], open_network: OpenNetwork | None = None) -> None:
    """Try what is asked for. open_network: None for what really runs it."""
    request = msgspec.json.decode(arguments[0], type=AttemptRequest)

    def opened(installed: InstalledModel, batch: int) -> "Runner":
        from workers.session.runners import open_runner

        weights, compiled = Path(request.weights), Path(request.compiled)
        return open_runner(weights, installed, request.backend, compiled, batch)

    found = figures(request, open_network or opened)
    print(msgspec.json.encode(found).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
