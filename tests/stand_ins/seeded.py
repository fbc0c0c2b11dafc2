"""Numbers for the layouts of upstream's checkpoints: alike everywhere, from names alone.

Every tensor is drawn from a Philox stream of its own, seeded by the first eight bytes (little
endian) of its key's SHA-256, as float64, and stored as float32. Upstream's code was once run with
the STAR and MTL networks filled so; tests/upstream compares with what it answered.
"""

import hashlib
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

GAIN = {"retinaface": 0.5, "star98": 0.4, "mtl": 0.97}
"""On every convolution's and linear layer's weight, so that answers neither fade nor explode."""

AU_NODES = "au_regressor.sc"
"""The one tensor that is neither weight nor bias of a layer."""


def seeded_tensor(key: str, shape: tuple[int, ...], gain: float) -> NDArray[np.generic]:
    """The tensor of a key in a state_dict: float32, or int64 zeros for batch counts."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    random = np.random.Generator(np.random.Philox(seed))
    kind = key.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    if key == AU_NODES:
        drawn = np.abs(random.standard_normal(shape)) * 0.05
    elif kind == "weight" and len(shape) > 1:
        drawn = random.standard_normal(shape) * math.sqrt(2.0 / math.prod(shape[1:])) * gain
    elif kind in ("weight", "running_var"):
        drawn = random.uniform(0.5, 1.5, shape)
    elif kind in ("bias", "running_mean"):
        drawn = random.normal(0.0, 0.05 if kind == "bias" else 0.1, shape)
    else:
        raise KeyError(f"{key} {shape} is no tensor of a known kind")
    return np.asarray(drawn, np.float32)


def digest(tensors: Iterable[tuple[str, NDArray[np.generic]]]) -> str:
    """One checksum of keys and numbers, in their order."""
    found = hashlib.sha256()
    for key, tensor in tensors:
        found.update(key.encode())
        found.update(np.ascontiguousarray(tensor).astype(tensor.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest()
