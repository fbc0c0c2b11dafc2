"""Opening a network on a backend: one interface (`workers.models.runner`), whatever runs it."""

from pathlib import Path

from weights.manifest import InstalledModel, verify_variant
from workers.models.pfld68 import PICTURES as PFLD_PICTURES
from workers.models.runner import Runner
from workers.session.backends import Backend, run_by
from workers.session.onnx_model import OnnxModel
from workers.session.providers import ONNX_NAMES, ProviderError, execution_providers


def open_runner(
    weights: Path, installed: InstalledModel, backend: Backend, compiled: Path, batch: int = 1
) -> Runner:
    """A network of a weights folder, ready to run.

    batch: how many times its pictures it takes at once; compiled: folder for compiled Core ML
    models. It is run in float32 where its record has not the backend's kind (`backends.run_by`).
    Raises WeightsError where the file is missing or changed, or a batch is not recorded, and
    ProviderError where ONNX Runtime would quietly run on another provider.
    """
    path, checksum = weights / installed.file, installed.sha256
    backend = run_by(installed, backend)
    if (backend.kind, batch) != ("fp32", 1):
        path = verify_variant(weights, installed.name, backend.kind, batch)
        variant = installed.variant(backend.kind, batch)
        checksum = checksum if variant is None else variant.sha256
    # A folder for each checksum: Core ML's cache does not notice that a model has changed.
    cache = compiled / checksum[:16]
    cache.mkdir(parents=True, exist_ok=True)
    if backend.library == "coremltools":
        from workers.session.coreml_model import CoreMLModel

        return CoreMLModel(path, cache, backend.units or "ALL")
    # PFLD's file leaves its batch size open; Core ML wants every shape fixed.
    fixed = {"batch_size": PFLD_PICTURES * batch} if installed.name == "pfld68" else None
    providers = execution_providers(backend.provider, cache, backend.units)
    model = OnnxModel(path, providers, fixed)
    if ONNX_NAMES[backend.provider] not in model.provider_names:
        raise ProviderError(
            f"{path.name} does not run on '{backend.provider}' here (ONNX Runtime set up "
            f"{', '.join(model.provider_names)}): choose another --provider"
        )
    return model
