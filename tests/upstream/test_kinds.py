"""How far float16 kinds drift on a real face: RetinaFace as published, STAR and MTL when seeded."""

from importlib.util import find_spec

import cv2
import numpy as np
import onnxruntime
import pytest

from tests.shared import shared

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
ORACLE = shared("oracle")

from weights.kinds.drift import LIMITS, drift  # noqa: E402
from weights.manifest import verify_model, verify_variant  # noqa: E402
from workers.models.retinaface import RetinaFace  # noqa: E402

FRAMES = [f"default_{n:04d}" for n in (0, 40, 80, 120, 160, 200)]

GOLDEN = {"star98": "star98_golden.npz", "mtl_aus": "mtl_golden.npz"}


class Seen:
    """In a model's place: keeps what the workers' own code shows it."""

    def __init__(self, model):
        self.model, self.inputs = model, []

    def run(self, outputs, **given):
        self.inputs.append(given)
        return self.model.run(outputs, given)

    @property
    def input_shapes(self):
        return {one.name: tuple(one.shape) for one in self.model.get_inputs()}


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def shown(name, model):
    """What a model sees of each frame."""
    if name == "retinaface_frame":
        seen = Seen(model)
        for frame in FRAMES:
            RetinaFace(seen).detect(cv2.imread(str(ORACLE / "frames" / f"{frame}.png")))
        return seen.inputs
    with np.load(ORACLE / GOLDEN[name]) as golden:
        if name == "star98":
            crops = [golden[f"{frame}/crop_bgr_u8"] / np.float32(255) * 2 - 1 for frame in FRAMES]
            return [{"image": crop.transpose(2, 0, 1)[np.newaxis].copy()} for crop in crops]
        face = golden[f"{FRAMES[0]}/input"]  # the only one that is kept
        return [{"faces": np.stack([face, face[:, :, ::-1]])}]


@pytest.mark.parametrize("name", ["retinaface_frame", "star98", "mtl_aus"])
def test_kinds_drift_little_on_a_real_face(published_weights, name):
    reference = session(published_weights / verify_model(published_weights, name).file)
    inputs = shown(name, reference)
    expected = [reference.run(None, given) for given in inputs]
    half = session(verify_variant(published_weights, name, "fp16"))
    found = drift(name, expected, [half.run(None, given) for given in inputs])
    assert max(found.largest[unit] / limit for unit, limit in LIMITS[name].items()) < 1
    if find_spec("coremltools"):
        from weights.kinds.core_ml_program import Program

        program = Program(verify_variant(published_weights, name, "coreml"))
        found = drift(name, expected, [program.run(**given) for given in inputs])
        assert found.within(LIMITS[name])
