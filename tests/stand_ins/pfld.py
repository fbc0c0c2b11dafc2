"""A network in PFLD's place: it puts a resting face's 68 points into any crop, a little astray."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

from tests.stand_ins.points68 import resting_face
from weights.demo.exercises import FACE_WIDTH
from workers.models.pfld68 import MARGIN, SIZE

CELL = 14
"""Px of the crop, across and down, that it sees as one."""
ASTRAY = 0.004
"""How far a cell moves a point, in units of the crop's side, between black and white."""
NAME = "pfld_68.onnx"


def write_pfld(folder: Path) -> Path:
    """`input` [n,3,112,112], `output` [n,136]: contract of workers.models.pfld68."""
    cells = 3 * (SIZE // CELL) ** 2
    places = (resting_face() - 0.5) * [FACE_WIDTH / MARGIN, 1.0 / MARGIN] + 0.5
    pulls = np.random.default_rng(68).normal(0.0, ASTRAY, (cells, 136))
    middle = places.reshape(-1) - 0.5 * pulls.sum(axis=0)
    nodes = [
        helper.make_node(
            "AveragePool",
            ["input"],
            ["cells"],
            kernel_shape=[CELL, CELL],
            strides=[CELL, CELL],
        ),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        helper.make_node("Gemm", ["flat", "pulls", "middle"], ["output"]),
    ]
    shapes = {"input": ["batch_size", 3, SIZE, SIZE], "output": ["batch_size", 136]}
    given, answered = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    )
    numbers = {"pulls": pulls, "middle": middle}
    constants = [
        numpy_helper.from_array(value.astype(np.float32), name) for name, value in numbers.items()
    ]
    graph = helper.make_graph(nodes, "pfld", [given], [answered], constants)
    opset = [helper.make_opsetid("", 18)]
    path = folder / NAME
    save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path
