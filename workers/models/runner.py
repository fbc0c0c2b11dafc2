"""What the models need of whatever runs their networks."""

from typing import Protocol

from workers.arrays import Tensor


class Runner(Protocol):
    """Runs one network of fixed input shapes; input_shapes: by the input's name."""

    input_shapes: dict[str, tuple[int, ...]]

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        """The named outputs for the named inputs. Raises ValueError on a wrong shape."""
        ...
