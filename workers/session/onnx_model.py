"""One ONNX Runtime session with fixed input shapes."""

from pathlib import Path

import numpy as np
import onnxruntime

from workers.arrays import Tensor
from workers.session.providers import ExecutionProvider

# Thread counts are part of the arithmetic (a sum may be split), so they never depend on the
# machine. One thread and several processes were also the fastest on a CPU.
THREADS = 1


class OnnxModel:
    """Runs a model file on one kind of execution provider."""

    def __init__(
        self,
        path: Path,
        providers: list[ExecutionProvider],
        free_dimensions: dict[str, int] | None = None,
    ) -> None:
        """Load the file; `free_dimensions` gives named dynamic dimensions their fixed size."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = THREADS
        options.log_severity_level = 3
        for name, size in (free_dimensions or {}).items():
            options.add_free_dimension_override_by_name(name, size)
        self._session = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=[(p.name, p.options) for p in providers]
        )
        self.input_shapes: dict[str, tuple[int, ...]] = {
            given.name: tuple(given.shape) for given in self._session.get_inputs()
        }

    @property
    def provider_names(self) -> list[str]:
        """The providers that ONNX Runtime really set up, the first one preferred."""
        return list(self._session.get_providers())

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        """The named outputs for the named inputs. Raises ValueError on a wrong shape."""
        for name, value in inputs.items():
            expected = self.input_shapes[name]
            if value.shape != expected:
                raise ValueError(
                    f"input {name} has shape {value.shape}, the model takes {expected}"
                )
        return [np.asarray(made) for made in self._session.run(outputs, inputs)]
