"""One Core ML program, run by coremltools. Only a Mac can; written after its documentation."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from workers.arrays import Tensor
from workers.session.backends import ComputeUnits


class CoreMLModel:
    """Runs a compiled program on some of a Mac's compute units."""

    def __init__(self, package: Path, compiled: Path, units: ComputeUnits) -> None:
        """package: an .mlpackage; compiled: the folder where its compiled form is kept, which must
        belong to this package's checksum."""
        import coremltools

        program = compiled_program(package, compiled)
        self._model: Any = coremltools.models.CompiledMLModel(
            str(program), coremltools.ComputeUnit[units]
        )
        described = coremltools.utils.load_spec(str(package)).description
        self.input_shapes: dict[str, tuple[int, ...]] = {
            given.name: tuple(given.type.multiArrayType.shape) for given in described.input
        }

    def run(self, outputs: list[str], **inputs: Tensor) -> list[Tensor]:
        """The named outputs for the named inputs. Raises ValueError on a wrong shape."""
        for name, value in inputs.items():
            expected = self.input_shapes[name]
            if value.shape != expected:
                raise ValueError(
                    f"input {name} has shape {value.shape}, the model takes {expected}"
                )
        made = self._model.predict(inputs)
        return [np.asarray(made[name], dtype=np.float32) for name in outputs]


def compiled_program(package: Path, compiled: Path) -> Path:
    """The compiled form (.mlmodelc) of a package; made where it is not there yet.

    It is made beside its place and renamed, so that what is there is whole.
    """
    import coremltools

    program = compiled / f"{package.stem}.mlmodelc"
    if program.is_dir():
        return program
    compiled.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".compiling-", dir=compiled))
    try:
        made = coremltools.models.utils.compile_model(str(package), str(making / program.name))
        os.rename(made, program)  # noqa: PTH104  (the same on every Python for a folder)
    except OSError:
        if not program.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return program
