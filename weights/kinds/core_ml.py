"""From a torch network to a Core ML program in float16, on any machine: an `.mlpackage` folder.

The same network gives the same bytes: what coremltools makes up at random (the package's
identifiers), takes from the clock (the date) or leaves in any order is put right.
"""

import io
import json
import logging
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    import coremltools
    from coremltools.proto import Model_pb2

OLDEST_MACOS = coremltools.target.macOS14
CLOCK_NOTES = ("com.github.apple.coremltools.conversion_date",)
SPECIFICATION = Path("Data") / "com.apple.CoreML" / "model.mlmodel"


def write_package(
    network: nn.Module,
    example: Tensor,
    input_name: str,
    output_names: Sequence[str],
    path: Path,
) -> None:
    """Writes a network in evaluation mode; shapes are the example's, float32 at both ends.

    What is at `path` is replaced.
    """
    with _quiet():
        program = torch.export.export(network, (example,)).run_decompositions({})
        model = coremltools.convert(
            program,
            inputs=[
                coremltools.TensorType(input_name, shape=tuple(example.shape), dtype=np.float32)
            ],
            outputs=[coremltools.TensorType(name, dtype=np.float32) for name in output_names],
            minimum_deployment_target=OLDEST_MACOS,
            compute_precision=coremltools.precision.FLOAT16,
            convert_to="mlprogram",
            skip_model_load=True,
        )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        made = Path(folder) / path.name
        model.save(str(made))
        _name_parts_alike(made)
        _order_alike(made)
        if path.exists():
            shutil.rmtree(path)
        made.rename(path)


def _name_parts_alike(package: Path) -> None:
    """Identifiers that follow from what they name, in the order of these."""
    path = package / "Manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    items = manifest["itemInfoEntries"]
    names = {
        given: str(uuid.uuid5(uuid.NAMESPACE_URL, item["path"])) for given, item in items.items()
    }
    entries = {names[given]: item for given, item in items.items()}
    manifest["itemInfoEntries"] = dict(sorted(entries.items()))
    manifest["rootModelIdentifier"] = names[manifest["rootModelIdentifier"]]
    path.write_text(json.dumps(manifest, indent=4, sort_keys=True) + "\n", encoding="utf-8")


def _order_alike(package: Path) -> None:
    path = package / SPECIFICATION
    specification = Model_pb2.Model.FromString(path.read_bytes())
    for note in CLOCK_NOTES:
        specification.description.metadata.userDefined.pop(note, None)
    path.write_bytes(specification.SerializeToString(deterministic=True))


def note_in_package(package: Path, notes: Mapping[str, str]) -> None:
    """Adds to a package's metadata."""
    path = package / SPECIFICATION
    specification = Model_pb2.Model.FromString(path.read_bytes())
    specification.description.metadata.userDefined.update(notes)
    path.write_bytes(specification.SerializeToString(deterministic=True))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars, and without coremltools' remarks about the versions of others."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
