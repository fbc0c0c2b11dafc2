"""The training loop that the demo networks share: seeded, on one thread, always the same."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Batch = tuple[Tensor, ...]
Network = TypeVar("Network", bound=nn.Module)
THREADS = 1
"""Part of the arithmetic, so it does not depend on the machine; networks train side by side."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """steps: how many batches; seed: of the batches and of the first weights; rate: the largest
    step size of AdamW, reached after a tenth of the steps and then lowered to zero."""

    steps: int
    seed: int
    rate: float = 3e-3
    decay: float = 1e-3


def make_deterministic() -> None:
    """One thread and reproducible kernels, for the whole process."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)


def train(
    network: Network,
    batch: Callable[[np.random.Generator, int], Batch],
    loss: Callable[..., Tensor],
    schedule: Schedule,
    say: Callable[[str], None],
) -> Network:
    """Train a network on `batch(generator, step)` until `loss(network, *batch)` is small."""
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=schedule.rate, weight_decay=schedule.decay
    )
    pace = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, schedule.rate, total_steps=schedule.steps, pct_start=0.1
    )
    _lay_out(network.train(), torch.channels_last)  # a fifth faster
    recent = 0.0
    for step, made in enumerate(_batches(batch, schedule)):
        optimizer.zero_grad(set_to_none=True)
        wrong = loss(network, *made)
        wrong.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        pace.step()
        now = wrong.item()
        recent = 0.95 * recent + 0.05 * now if step else now
        if (step + 1) % 50 == 0:
            say(f"{type(network).__name__}: step {step + 1} of {schedule.steps}, loss {recent:.4f}")
    _lay_out(network.eval(), torch.contiguous_format)
    return network


def _lay_out(network: nn.Module, memory: torch.memory_format) -> None:
    network.to(memory_format=memory)  # type: ignore[call-overload]


def _batches(
    batch: Callable[[np.random.Generator, int], Batch], schedule: Schedule
) -> Iterator[Batch]:
    """Batches in order, each drawn from a generator of its own, one made while one is used."""

    def make(step: int) -> Batch:
        return batch(np.random.default_rng([schedule.seed, step]), step)

    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(make, 0)
        for step in range(schedule.steps):
            made = coming.result()
            if step + 1 < schedule.steps:
                coming = maker.submit(make, step + 1)
            yield made
