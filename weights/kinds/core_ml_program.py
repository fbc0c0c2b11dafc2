"""Reads the program in an `.mlpackage` and runs it on any machine, as an accelerator would.

Core ML itself runs on Macs only. This runs what lies in the file, operator by operator in torch,
with float16 between operators where the program says so; so it shows that a conversion is right,
and by how much its numbers drift. Operators are those that our networks need (OPERATORS).
Semantics: coremltools' documentation of MIL operators.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    from coremltools.converters.mil.frontend.milproto import load as milproto
    from coremltools.converters.mil.mil import types
    from coremltools.models import MLModel

Inputs = Mapping[str, Any]
"""An operator's inputs by name: tensors, and numbers or lists of them where they are constant."""


class Program:
    """The one function of a package.

    operators: the names of all its operators but constants, in order.
    Raises ValueError where an operator is none of OPERATORS.
    """

    def __init__(self, package: Path) -> None:
        model = MLModel(str(package), skip_model_load=True)
        specification = model.get_spec()
        loaded = milproto.load(
            specification,
            specification_version=specification.specificationVersion,
            file_weights_dir=model.weights_dir,
        )
        self.notes: dict[str, str] = dict(specification.description.metadata.userDefined)
        self._function = loaded.functions["main"]
        self._steps = [step for step in self._function.operations if step.op_type != "const"]
        self.operators: list[str] = [step.op_type for step in self._steps]
        unknown = sorted(set(self.operators) - set(OPERATORS))
        if unknown:
            raise ValueError(f"{package.name} has operators that are not known: {unknown}")

    def precisions(self) -> dict[str, set[str]]:
        """By operator, the types of the numbers that it gives: `fp16`, `fp32`."""
        found: dict[str, set[str]] = {}
        for step in self._steps:
            made = {types.builtin_to_string(output.dtype) for output in step.outputs}
            found.setdefault(step.op_type, set()).update(made)
        return found

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of inputs and outputs, by name."""
        ends = [*self._function.inputs.values(), *self._function.outputs]
        return {end.name: tuple(end.shape) for end in ends}

    @property
    def end_types(self) -> set[str]:
        """Of inputs and outputs."""
        ends = [*self._function.inputs.values(), *self._function.outputs]
        return {types.builtin_to_string(end.dtype) for end in ends}

    def fed_by(self, operator: str) -> set[str]:
        """The operators that come before any of this kind, directly or not."""
        found: set[str] = set()
        waiting = [step for step in self._steps if step.op_type == operator]
        seen = {id(step) for step in waiting}
        while waiting:
            for given in waiting.pop().inputs.values():
                for number in given if isinstance(given, list | tuple) else [given]:
                    if number.op is not None and id(number.op) not in seen:
                        seen.add(id(number.op))
                        found.add(number.op.op_type)
                        waiting.append(number.op)
        return found - {"const"}

    @torch.inference_mode()
    def run(self, **given: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The outputs in the program's order."""
        numbers: dict[Any, Any] = {
            variable: torch.from_numpy(given[name])
            for name, variable in self._function.inputs.items()
        }
        for step in self._steps:
            inputs = {name: _value(item, numbers) for name, item in step.inputs.items()}
            (output,) = step.outputs
            answer: Tensor = OPERATORS[step.op_type](inputs)
            if types.builtin_to_string(output.dtype) == "fp16":
                answer = answer.half().float()
            if tuple(answer.shape) != tuple(output.shape):
                raise ValueError(f"{step.name}: {tuple(answer.shape)}, not {output.shape}")
            numbers[output] = answer
        return [numbers[output].numpy() for output in self._function.outputs]


def _value(item: Any, numbers: Mapping[Any, Any]) -> Any:
    """A tensor; what is constant as a tensor, too, where it has several float numbers."""
    if isinstance(item, list | tuple):
        return [_value(one, numbers) for one in item]
    if item in numbers:
        return numbers[item]
    constant = item.val
    if isinstance(constant, np.ndarray) and constant.dtype.kind == "f":
        return torch.from_numpy(constant.astype(np.float32))
    return constant.tolist() if isinstance(constant, np.ndarray | np.generic) else constant


def _conv(i: Inputs) -> Tensor:
    padding = {"valid": [0, 0, 0, 0], "custom": i["pad"]}[i["pad_type"]]
    x = F.pad(i["x"], [padding[2], padding[3], padding[0], padding[1]])
    bias, groups = i.get("bias"), int(i["groups"])
    return F.conv2d(x, i["weight"], bias, i["strides"], 0, i["dilations"], groups)


def _along_channels(numbers: Tensor, x: Tensor) -> Tensor:
    return numbers.reshape(1, -1, *[1] * (x.ndim - 2))


def _batch_norm(i: Inputs) -> Tensor:
    x = i["x"]
    mean, variance, gamma, beta = (
        _along_channels(i[name], x) for name in ("mean", "variance", "gamma", "beta")
    )
    return (x - mean) / torch.sqrt(variance + i["epsilon"]) * gamma + beta


def _pooled(i: Inputs, pool: Callable[..., Tensor]) -> Tensor:
    if i["pad_type"] not in ("valid", "custom") or any(i.get("pad", [])) or i.get("ceil_mode"):
        raise ValueError(f"a pool that is padded: {i['pad_type']}")
    return pool(i["x"], i["kernel_sizes"], i["strides"])


def _upsampled(i: Inputs) -> Tensor:
    factors = [float(i["scale_factor_height"]), float(i["scale_factor_width"])]
    return F.interpolate(i["x"], scale_factor=factors, mode="nearest")


def _sliced(i: Inputs) -> Tensor:
    x: Tensor = i["x"]
    begins, ends = i["begin"], i["end"]
    strides = i.get("stride") or [1] * x.ndim
    open_begins = i.get("begin_mask") or [False] * x.ndim
    open_ends = i.get("end_mask") or [False] * x.ndim
    squeezed = i.get("squeeze_mask") or [False] * x.ndim
    places: list[int | slice] = []
    for axis in range(x.ndim):
        if squeezed[axis]:
            places.append(begins[axis])
            continue
        begin = None if open_begins[axis] else begins[axis]
        places.append(slice(begin, None if open_ends[axis] else ends[axis], strides[axis]))
    return x[tuple(places)]


def _padded(i: Inputs) -> Tensor:
    if i["mode"] != "constant":
        raise ValueError(f"a padding of mode {i['mode']}")
    pairs = [i["pad"][at : at + 2] for at in range(0, len(i["pad"]), 2)]
    last_first = [side for pair in reversed(pairs) for side in pair]
    return F.pad(i["x"], last_first, value=float(i["constant_val"]))


def _expanded(i: Inputs) -> Tensor:
    x: Tensor = i["x"]
    for axis in sorted(axis % (x.ndim + len(i["axes"])) for axis in i["axes"]):
        x = x.unsqueeze(axis)
    return x


OPERATORS: dict[str, Callable[[Inputs], Tensor]] = {
    "add": lambda i: torch.add(i["x"], i["y"]),
    "avg_pool": lambda i: _pooled(i, F.avg_pool2d),
    "batch_norm": _batch_norm,
    "cast": lambda i: i["x"],  # to what its output's type says
    "clip": lambda i: i["x"].clamp(i["alpha"], i["beta"]),
    "concat": lambda i: torch.cat(i["values"], i["axis"]),
    "conv": _conv,
    "expand_dims": _expanded,
    "instance_norm": lambda i: F.instance_norm(
        i["x"], weight=i.get("gamma"), bias=i.get("beta"), eps=float(i["epsilon"])
    ),
    "leaky_relu": lambda i: F.leaky_relu(i["x"], float(i["alpha"])),
    "linear": lambda i: F.linear(i["x"], i["weight"], i.get("bias")),
    "max_pool": lambda i: _pooled(i, F.max_pool2d),
    "maximum": lambda i: torch.maximum(torch.as_tensor(i["x"]), torch.as_tensor(i["y"])),
    "mul": lambda i: torch.mul(i["x"], i["y"]),
    "pad": _padded,
    "real_div": lambda i: torch.div(i["x"], i["y"]),
    "reduce_max": lambda i: i["x"].amax(i["axes"], keepdim=i["keep_dims"]),
    "reduce_mean": lambda i: i["x"].mean(i["axes"], keepdim=i["keep_dims"]),
    "reduce_sum": lambda i: i["x"].sum(i["axes"], keepdim=i["keep_dims"]),
    "relu": lambda i: F.relu(i["x"]),
    "reshape": lambda i: i["x"].reshape(i["shape"]),
    "sigmoid": lambda i: torch.sigmoid(i["x"]),
    "silu": lambda i: F.silu(i["x"]),
    "slice_by_index": _sliced,
    "softmax": lambda i: i["x"].softmax(i["axis"]),
    "sqrt": lambda i: torch.sqrt(i["x"]),
    "stack": lambda i: torch.stack(i["values"], i["axis"]),
    "sub": lambda i: torch.sub(i["x"], i["y"]),
    "transpose": lambda i: i["x"].permute(i["perm"]),
    "upsample_nearest_neighbor": _upsampled,
}
