"""From a torch network to an ONNX graph with fixed shapes, and the proof that both agree."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import onnxruntime
import torch
from onnx import ModelProto
from onnxscript import optimizer
from torch import Tensor, nn

from weights.graph import mend

OPSET = 18  # the newest that every listed release of the Core ML provider knows
FOLDED_BYTES = 1 << 22  # fold whatever depends on constants alone up to this size


def export(
    network: nn.Module, example: Tensor, input_name: str, output_names: Sequence[str]
) -> ModelProto:
    """The network in evaluation mode as ONNX; shapes are the example's."""
    with _quiet_exporter():
        program = torch.onnx.export(
            network.eval(),
            (example,),
            input_names=[input_name],
            output_names=list(output_names),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        if program is None:
            raise RuntimeError("torch.onnx.export returned no program")
        optimizer.fold_constants(
            program.model, input_size_limit=FOLDED_BYTES, output_size_limit=FOLDED_BYTES
        )
        return mend(program.model_proto)


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Without torch's remarks about itself: torchvision is absent, a helper is deprecated."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.`", FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def differences(network: nn.Module, model: ModelProto, inputs: Sequence[Tensor]) -> list[float]:
    """For each input, the largest absolute difference of torch's and ONNX Runtime's outputs.

    Both on the CPU, in each output's own unit; infinite where an output is not a number.
    """
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return [_difference(network, session, name, example) for example in inputs]


def _difference(
    network: nn.Module, session: onnxruntime.InferenceSession, name: str, example: Tensor
) -> float:
    with torch.inference_mode():
        expected = network(example)
    answers = session.run(None, {name: example.numpy()})
    if isinstance(expected, Tensor):
        expected = (expected,)
    largest = float(
        np.max(
            [
                np.abs(answer - tensor.numpy()).max()
                for answer, tensor in zip(answers, expected, strict=True)
            ]
        )
    )
    return largest if np.isfinite(largest) else float("inf")
