"""Writes model files: whole or not at all, with notes on where they come from."""

import hashlib
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from onnx import ModelProto

CACHE_KEY = "COREML_CACHE_KEY"  # ONNX Runtime's name; at most 64 letters and digits


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside the final name, then renames, so that a model is whole or absent."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}-", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
        except OSError:
            temporary.unlink()
            raise
    temporary.chmod(0o644)
    temporary.replace(path)


def note_origin(graph: ModelProto, notes: Mapping[str, str]) -> None:
    """Writes a model's origin, and a cache key that changes with it, into its metadata."""
    content = graph.SerializeToString(deterministic=True)
    keyed = {**notes, CACHE_KEY: hashlib.sha256(content).hexdigest()[:40]}
    for key, value in keyed.items():
        graph.metadata_props.add(key=key, value=value)


def converter_version() -> str:
    """The version of this package, or `source` where it runs without being installed."""
    try:
        return metadata.version("facemirror")
    except metadata.PackageNotFoundError:
        return "source"


def versions_of(*packages: str) -> str:
    """This package's version and others', for example `facemirror 0.1.0, torch 2.13.0`."""
    others = [f"{name} {metadata.version(name).split('+')[0]}" for name in packages]
    return ", ".join([f"facemirror {converter_version()}", *others])
