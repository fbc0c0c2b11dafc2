"""Checkpoints in the layouts of the published ones, filled with seeded numbers. Needs torch."""

from itertools import pairwise
from pathlib import Path

import torch

from tests.stand_ins.seeded import GAIN, seeded_tensor
from weights.architectures.multitask import Multitask
from weights.architectures.retinaface import RetinaFace
from weights.architectures.star98 import Star98
from weights.manifest import CHECKPOINTS

NETWORKS = {"retinaface": RetinaFace, "star98": Star98, "mtl": Multitask}
EDGES = (0, 33, 42, 51, 55, 60, 68, 76, 88, 96)
"""Where STAR's nine edges begin among WFLW's points, and where the last one ends."""


def state(name: str) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors by key, in the network's order."""
    made = NETWORKS[name]().state_dict()
    for key, tensor in made.items():
        if not key.startswith("e2h_transform"):
            made[key] = torch.from_numpy(seeded_tensor(key, tuple(tensor.shape), GAIN[name]))
    if name == "star98":
        on_edge = torch.zeros(98, len(EDGES) - 1)
        for edge, (first, end) in enumerate(pairwise(EDGES)):
            on_edge[first:end, edge] = 1.0
        made["e2h_transform.weight"] = on_edge[:, :, None, None]
        made["e2h_transform.bias"] = (on_edge.sum(dim=1) == 0).float()
    return made


def write_checkpoint(name: str, folder: Path) -> Path:
    """The file as upstream publishes it: STAR's tensors stand under the key `net`."""
    made = state(name)
    path = folder / CHECKPOINTS[name].file
    torch.save({"net": made} if name == "star98" else made, path)
    return path
