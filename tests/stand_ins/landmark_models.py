"""OpenFace 2's kind of landmark models made on the spot: they know faces that are drawn as dots.

Each landmark is a bright dot; its patch experts look for one. The files are written as OpenFace
writes them, small and seeded.
"""

import struct
from functools import cache
from pathlib import Path

import numpy as np

from tests.stand_ins.shape_models import written
from weights.clnf.files import LANDMARK_MODELS, NEEDED, VALIDATOR
from workers.clnf.model_file import LIDS
from workers.face.shape.shape_model import Pose, ShapeModel

DOT = 3.0
"""Standard deviation of a dot, mm."""
SIZE = 11
WINDOWS = (3, 5, 7, 9, 11)
SCALINGS = {"face": (0.25, 0.35, 0.5), "inner": (1.0,), "right_eye": (1.0, 1.5)}
SCALINGS["left_eye"] = SCALINGS["right_eye"]


def matrix(values, dtype="<f8"):
    """A matrix as OpenFace's binary files have it."""
    values = np.atleast_2d(np.asarray(values, dtype))
    kind = {"<i4": 4, "<f4": 5, "<f8": 6}[dtype]
    return struct.pack("<3i", *values.shape, kind) + values.tobytes()


def dot_kernel(scaling, size=SIZE):
    """What a dot looks like in pictures of this many px per mm: (size, size)."""
    along = np.exp(-0.5 * ((np.arange(size) - size // 2) / (DOT * scaling)) ** 2)
    return np.outer(along, along).astype(np.float32)


def neighbours(window):
    """(1, W², W²): minus 1 between neighbours in a row or column, their number on the diagonal."""
    row, column = np.divmod(np.arange(window**2), window)
    apart = abs(row[:, None] - row) + abs(column[:, None] - column)
    between = -(apart == 1).astype(np.float32)
    return (between - np.diag(between.sum(axis=1)))[None]


def expert_bytes(mark, size, neurons, betas, confidence):
    """An expert; neurons: (gain, bias, alpha, kernel), none for a hidden landmark."""
    parts = [struct.pack("<4i", mark, size, size, len(neurons))]
    if not neurons:
        return parts[0] + struct.pack("<i", 0)
    for gain, bias, alpha, kernel in neurons:
        parts += [struct.pack("<2i3d", 2, 0, gain, bias, alpha), matrix(kernel, "<f4")]
    return b"".join(parts) + struct.pack(f"<{len(betas) + 1}d", *betas, confidence)


def experts_file(scaling, yaws, visible, experts, neighbourhoods):
    """A file of patch experts. yaws: of the views, degrees; visible: (V, N); experts: V lists of N
    (neurons, betas, confidence); neighbourhoods: (B, W², W²) by W."""
    parts = [struct.pack("<di", scaling, len(yaws))]
    parts += [matrix([[0.0], [yaw], [0.0]]) for yaw in yaws]
    parts += [matrix(np.reshape(shown, (-1, 1)), "<i4") for shown in visible]
    parts.append(struct.pack("<i", len(neighbourhoods)))
    for window, matrices in neighbourhoods.items():
        parts.append(struct.pack("<2i", window, len(matrices)))
        parts += [matrix(one, "<f4") for one in matrices]
    parts += [expert_bytes(5, SIZE, *expert) for view in experts for expert in view]
    return b"".join(parts)


def dot_experts(scaling, landmarks, known, seed, views=(0.0, -20.0, 20.0)):
    """A file whose experts find dots; landmarks that are not `known` say nothing of any place.

    In the second view every eighth landmark is hidden.
    """
    random = np.random.default_rng(seed)
    visible = np.ones((len(views), landmarks), bool)
    visible[1:2, ::8] = False
    dot = dot_kernel(scaling)

    def expert(shown, knows):
        if not shown:
            return [], [], 0.0
        weak = (3.0, 0.0, 5e-5, random.standard_normal((SIZE, SIZE)))
        strong = (20.0, -12.0, random.uniform(5, 15) if knows else 0.0, dot)
        return [strong, weak], [random.uniform(0.5, 2.0)], random.uniform(0.2, 0.6)

    experts = [[expert(*one) for one in zip(row, known, strict=True)] for row in visible]
    around = {window: neighbours(window) for window in WINDOWS}
    return experts_file(scaling, views, visible, experts, around)


def validator_view(random, shape=(20, 18), bias=-3.0):
    """What a validator's file has of one view, by name; its corners are four landmarks."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width]
    mask = (rows + columns > 4).astype(int)  # one corner is no part of the face
    upper = columns * height > rows * width  # of the two triangles
    corners = np.array([[-1.0, -2.0], [width, -2.0], [width, height + 1.0], [-1.0, height + 1.0]])
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    alpha, beta = [], []
    for first, second, third in corners[triangles]:
        inverse = np.linalg.inv(np.column_stack([second - first, third - first]))
        for one, row in zip((alpha, beta), inverse, strict=True):
            one.append([-row @ first, *row])
    count = int(mask.sum())
    height2, width2 = (((size - 4) // 2 - 2) // 2 for size in shape)
    return {
        "mean": random.standard_normal(count) * 0.1,
        "deviation": random.uniform(0.5, 2.0, count),
        "kernels1": random.standard_normal((1, 2, 5, 5)).astype(np.float32) * 0.3,
        "biases1": random.standard_normal(2).astype(np.float32),
        "kernels2": random.standard_normal((2, 3, 3, 3)).astype(np.float32) * 0.3,
        "biases2": random.standard_normal(3).astype(np.float32),
        "weights": random.standard_normal(3 * height2 * width2).astype(np.float32) * 0.05,
        "bias": bias,
        "mask": mask,
        "least": (0.0, 0.0),
        "triangles": np.array([[0, 16, 8], [0, 8, 3]]),
        "of_pixel": np.where(mask == 1, np.where(upper, 0, 1), -1),
        "alpha": np.array(alpha),
        "beta": np.array(beta),
    }


def convolution(kernels, biases):
    """A layer; kernels: (inputs, outputs, S, S), as a true convolution has them."""
    inputs, outputs = kernels.shape[:2]
    parts = [struct.pack("<3i", 0, inputs, outputs), np.asarray(biases, "<f4").tobytes()]
    return b"".join([*parts, *(matrix(k, "<f4") for row in kernels for k in row)])


def validator_file(yaws, views):
    """A validator's file; yaws: degrees."""
    parts = [struct.pack("<2i", 2, len(yaws))]
    parts += [matrix([[0.0], [yaw], [0.0]]) for yaw in yaws]
    for view in views:
        parts += [matrix(view["mean"]), matrix(view["deviation"]), struct.pack("<i", 5)]
        parts += [convolution(view["kernels1"], view["biases1"]), struct.pack("<2i", 1, 2)]
        parts += [convolution(view["kernels2"], view["biases2"]), struct.pack("<2i", 1, 2)]
        parts += [struct.pack("<if", 2, view["bias"]), matrix(view["weights"], "<f4")]
        parts.append(struct.pack("<i2d", int(view["mask"].sum()), *view["least"]))
        parts += [matrix(np.zeros((136, 1))), matrix(view["triangles"], "<i4")]
        parts += [matrix(view["of_pixel"], "<i4"), matrix(view["mask"], "<i4")]
        parts += [matrix(view["alpha"]), matrix(view["beta"])]
    return b"".join(parts)


@cache
def dot_face():
    """A shape of 68 points, 140 mm wide, no two nearer than 12 mm, with four smooth modes."""
    random = np.random.default_rng(5)
    column, row = np.meshgrid(np.arange(9), np.arange(8))
    grid = np.stack([column.ravel(), row.ravel()])[:, :68] * 17.0
    x, y = grid + random.uniform(-2.5, 2.5, grid.shape)
    x, y = x - x.mean(), y - y.mean()
    mean = np.stack([x, y, 0.006 * (x**2 + y**2)])
    mean[2] -= mean[2].mean()
    fields = np.array([[y, x, 0 * x], [x * abs(x) / 70, 0 * x, y], [0 * x, y**2 / 70, x], mean])
    basis, _ = np.linalg.qr(fields.reshape(4, -1).T)
    return ShapeModel(mean, np.ascontiguousarray(basis.T).reshape(4, 3, 68), np.full(4, 600.0))


def eye_of(face, first):
    """A shape of 28 points, six of them the face's from `first` on; the others are between them."""
    random = np.random.default_rng(first)
    weights = random.dirichlet(np.ones(6), 28)
    weights[LIDS] = np.eye(6)
    shared = slice(first, first + 6)
    mean = face.mean[:, shared] @ weights.T
    modes = face.modes[:, :, shared] @ weights.T
    return ShapeModel(mean, np.ascontiguousarray(modes), face.variances)


def shapes_of(face):
    """The shape models of a face and its parts, by the names of the landmark models."""
    inner = face.only(np.arange(17, 68))
    return {
        "face": face,
        "inner": inner,
        "right_eye": eye_of(face, 36),
        "left_eye": eye_of(face, 42),
    }


def dot_shapes():
    """The shape models that know the dot face."""
    return shapes_of(dot_face())


def write_checkpoints(checkpoints, *, face=None, validator=True):
    """All files of the landmark models, in a checkpoints folder; it is returned.

    face: the shape that they know, the dot face unless told otherwise.
    """
    folder = Path(checkpoints) / "openface2"
    for file in [*NEEDED, VALIDATOR]:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
    for seed, (name, shape) in enumerate(shapes_of(face or dot_face()).items()):
        files = LANDMARK_MODELS[name]
        written(shape, folder / files.shape_model)
        points = shape.mean.shape[1]
        known = np.isin(np.arange(points), LIDS) if name.endswith("eye") else np.ones(points, bool)
        for scaling, file in zip(SCALINGS[name], files.patch_experts, strict=True):
            (folder / file).write_bytes(dot_experts(scaling, points, known, seed))
    if validator:
        random = np.random.default_rng(9)
        views = [validator_view(random), validator_view(random)]
        (folder / VALIDATOR).write_bytes(validator_file([0.0, 30.0], views))
    return Path(checkpoints)


def drawn(points, scale, size=(480, 640)):
    """A grey picture with a dot at each of points (N, 2), px; scale: px per mm."""
    down, across = (
        np.exp(-0.5 * ((np.arange(length) - places[:, None]) / (DOT * scale)) ** 2)
        for length, places in zip(size, points.T[::-1], strict=True)
    )
    return np.clip(40 + 170 * (down.T @ across), 0, 255).round().astype(np.uint8)


def face_at(scale=1.5, centre=(320.0, 240.0), local=(0.0, 0.0, 0.0, 0.0), rotation=None):
    """The dot face's points (68, 2), px, and the pose that they are seen in."""
    rotation = np.eye(3) if rotation is None else rotation
    pose = Pose(scale, rotation, np.array(centre))
    return pose.project(dot_face().shape(np.array(local))).T, pose
