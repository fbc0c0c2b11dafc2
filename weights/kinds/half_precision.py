"""What a network answers where every number between its operators is a float16.

That is how accelerators keep them: operators calculate, and their sums grow, in float32. ONNX
Runtime's CPU keeps float32 between many float16 operators, so it hides a part of the drift.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only


class HalfBetweenOperators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Rounds whatever an operator gives to float16, and keeps it as float32."""

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return tree_map_only(Tensor, _rounded, func(*args, **(kwargs or {})))


def _rounded(numbers: Tensor) -> Tensor:
    return numbers.half().float() if numbers.dtype == torch.float32 else numbers


def rounded_answer(network: nn.Module, given: Tensor) -> Any:
    """The network's answer with its parameters, its input and all between operators in float16."""
    small = copy.deepcopy(network)
    with torch.no_grad():
        for numbers in [*small.parameters(), *small.buffers()]:
            numbers.copy_(_rounded(numbers))
        with HalfBetweenOperators():  # type: ignore[no-untyped-call]
            return small(_rounded(given))


class MultiplyAdd(nn.Module):
    """x * factor + shift for each channel, the second axis: a batch norm with fixed statistics."""

    factor: Tensor
    shift: Tensor

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        numbers = {name: tensor.double() for name, tensor in norm.state_dict().items()}
        factor = numbers["weight"] / torch.sqrt(numbers["running_var"] + norm.eps)
        shift = numbers["bias"] - numbers["running_mean"] * factor
        along = (1, -1, 1, 1) if isinstance(norm, nn.BatchNorm2d) else (1, -1, 1)
        self.register_buffer("factor", factor.detach().float().reshape(along))
        self.register_buffer("shift", shift.detach().float().reshape(along))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor + self.shift


def with_plain_norms(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose batch norms are multiplications and additions.

    A variance and its epsilon are numbers that float16 may not hold; what is made of them is.
    """
    made = copy.deepcopy(network).eval()
    for parent in list(made.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(parent, name, MultiplyAdd(child))
    return made
