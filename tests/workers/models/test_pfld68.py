"""What surrounds PFLD treats left and right alike, whatever the network does."""

import cv2
import numpy as np
import onnxruntime
import pytest

from tests.faces import pictures
from tests.shared import shared
from workers.face.midline import midline_ends
from workers.face.scheme import IBUG68
from workers.models.pfld68 import COUNTERPART, MARGIN, PICTURES, SIZE, Pfld68, as_input
from workers.session.onnx_model import OnnxModel
from workers.session.providers import execution_providers

SIDE = 200


class LopsidedNetwork:
    """Sees where the picture is bright, and puts every point too far to the right."""

    def __init__(self, offsets: np.ndarray) -> None:
        self.input_shapes = {"input": (PICTURES, 3, 112, 112)}
        self._offsets = offsets

    def run(self, outputs, **inputs):
        answers = []
        for image in inputs["input"]:
            grey = image.mean(axis=0)
            at = (np.arange(112) + 0.5) / 112
            centre = np.array([(grey.sum(0) * at).sum(), (grey.sum(1) * at).sum()]) / grey.sum()
            answers.append((centre + self._offsets).reshape(-1))
        return [np.array(answers, dtype=np.float32)]


def mirrored(points: np.ndarray) -> np.ndarray:
    flipped = points[COUNTERPART].copy()
    flipped[:, 0] = SIDE - 1 - flipped[:, 0]
    return flipped


def test_a_counterpart_of_a_counterpart_is_the_point_itself():
    assert (COUNTERPART[COUNTERPART] == np.arange(68)).all()
    assert COUNTERPART[36] == 45
    assert COUNTERPART[8] == 8


def test_a_mirror_image_gives_the_mirrored_points():
    picture = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    picture[60:90, 120:160] = 255
    box = np.array([40.0, 30.0, 139.0, 150.0])
    to_the_right = np.array([0.05, 0.0])
    offsets = np.random.default_rng(0).normal(0, 0.1, (68, 2)) + to_the_right
    landmarker = Pfld68(LopsidedNetwork(offsets))
    straight = landmarker.locate(picture, box).points
    other_box = np.array([SIDE - 1 - box[2], box[1], SIDE - 1 - box[0], box[3]])
    flipped = landmarker.locate(np.ascontiguousarray(picture[:, ::-1]), other_box).points
    # OpenCV places pixels to a 32nd: the two crops differ by a grey level here and there.
    np.testing.assert_allclose(flipped, mirrored(straight), atol=0.05)


def test_a_point_is_found_where_it_is():
    """A bright spot about which a network that is not lopsided puts every point."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[79:82, 119:122] = 255
    network = LopsidedNetwork(np.zeros((68, 2)))
    points = Pfld68(network).locate(picture, np.array([60.0, 40.0, 160.0, 140.0])).points
    np.testing.assert_allclose(points, np.tile([120.0, 80.0], (68, 1)), atol=0.1)


def test_the_network_gets_red_green_and_blue_in_this_order_from_0_to_1():
    """A crop of one colour, in OpenCV's order: blue, green, red."""
    crop = np.full((SIZE, SIZE, 3), (51, 102, 204), np.uint8)
    for channel, value in enumerate((0.8, 0.4, 0.2)):
        np.testing.assert_allclose(as_input(crop)[:, channel], value, rtol=1e-6)


class RedSeeingNetwork(LopsidedNetwork):
    """Sees the first channel only."""

    def run(self, outputs, **inputs):
        return super().run(outputs, input=inputs["input"][:, :1])


def test_red_is_the_networks_first_channel_from_the_picture_on():
    """A red spot among a green and a blue one, in a picture as OpenCV has it."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for channel, (x, y) in enumerate([(80, 110), (140, 60), (120, 80)]):
        picture[y - 1 : y + 2, x - 1 : x + 2, channel] = 255
    network = RedSeeingNetwork(np.zeros((68, 2)))
    points = Pfld68(network).locate(picture, np.array([60.0, 40.0, 160.0, 140.0])).points
    np.testing.assert_allclose(points, np.tile([120.0, 80.0], (68, 1)), atol=0.1)


@pytest.mark.parametrize("number", [0, 80, 160])
def test_real_frames_reach_the_real_network_as_its_authors_camera_program_gives_them(
    number, tmp_path
):
    """RGB from 0 to 1: here by OpenCV's own conversions, and PFLD's file run as it is."""
    frame = cv2.imread(str(shared("oracle", "frames", f"default_{number:04d}.png")))
    found = np.load(shared("oracle", "retinaface_golden.npz"))[f"default_{number:04d}/dets_05"][0]
    box = found[:4].astype(float)
    weights = shared("weights", "pfld_68.onnx")
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    side = MARGIN * float((box[2:] - box[:2]).max())
    corner = (box[:2] + box[2:] - side) / 2
    zoom = SIZE / side
    to_crop = np.array([[zoom, 0, -zoom * corner[0] - 0.5], [0, zoom, -zoom * corner[1] - 0.5]])
    crop = cv2.warpAffine(frame, to_crop, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    answers = []
    for seen in (crop, cv2.flip(crop, 1)):
        given = cv2.dnn.blobFromImage(seen, 1 / 255, swapRB=True)
        answers.append(session.run(["output"], {"input": given})[0].reshape(68, 2))
    straight, flipped = answers[0], answers[1][COUNTERPART]
    expected = (straight + np.column_stack([1 - flipped[:, 0], flipped[:, 1]])) / 2 * side + corner

    landmarker = Pfld68(
        OnnxModel(weights, execution_providers("cpu", tmp_path), {"batch_size": PICTURES})
    )
    np.testing.assert_allclose(landmarker.locate(frame, box).points, expected, atol=0.01)


@pytest.fixture
def pfld(weights_folder, tmp_path) -> Pfld68:
    providers = execution_providers("cpu", tmp_path)
    return Pfld68(OnnxModel(weights_folder / "pfld_68.onnx", providers, {"batch_size": PICTURES}))


def test_the_midline_of_a_symmetric_face_is_its_axis(pfld):
    frame = pictures(shared("media", "default.wmv"), 1)[0]
    left = frame[:, :340]
    face = np.concatenate([left, left[:, ::-1]], axis=1)
    found = pfld.locate(face, np.array([250.0, 100.0, 429.0, 330.0])).points
    width = found[16, 0] - found[0, 0]
    assert width > 80
    np.testing.assert_allclose(midline_ends(found, IBUG68)[:, 0], 339.5, atol=0.002 * width)
