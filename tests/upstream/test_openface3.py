"""What OpenFace 3.0's own code answered: by its RetinaFace, and by STAR and MTL when seeded.

With seeded numbers landmarks and scores mean nothing anatomically; they prove that architecture,
pre- and post-processing are upstream's.
"""

import hashlib
import json

import cv2
import numpy as np
import onnxruntime
import pytest

from tests.shared import shared

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
ORACLE = shared("oracle")

from tests.goldens.files import UPSTREAM, read  # noqa: E402
from tests.goldens.upstream_figures import upstream_figures  # noqa: E402
from tests.stand_ins.checkpoints import NETWORKS, state  # noqa: E402
from tests.stand_ins.seeded import digest  # noqa: E402
from weights.architectures import multitask  # noqa: E402
from weights.architectures.multitask import Multitask  # noqa: E402
from weights.architectures.retinaface import RetinaFace as RetinaFaceNetwork  # noqa: E402
from weights.architectures.star98 import Star98 as Star98Network  # noqa: E402
from weights.export import export  # noqa: E402
from workers.face.boxes import overlaps  # noqa: E402
from workers.face.midline import midline_ends  # noqa: E402
from workers.face.scheme import IBUG68  # noqa: E402
from workers.face.search import search  # noqa: E402
from workers.models.multitask import ActionUnitScores, as_input  # noqa: E402
from workers.models.pfld68 import COUNTERPART, MARGIN, PICTURES, SIZE, Pfld68  # noqa: E402
from workers.models.retinaface import RetinaFace, anchors, decode  # noqa: E402
from workers.models.star98 import Star98, crop, crop_matrix  # noqa: E402
from workers.session.onnx_model import OnnxModel  # noqa: E402
from workers.session.providers import execution_providers  # noqa: E402

FRAMES = [f"default_{n:04d}" for n in (0, 40, 80, 120, 160, 200)]
FIRST = FRAMES[0]
PIXELS = 256 / 2  # of the landmark crop, for a step of 1 in [-1,1]


@pytest.fixture(scope="module")
def golden():
    """An array of what upstream's code answered, by model, frame and name."""
    files = {
        model: np.load(ORACLE / f"{model}_golden.npz") for model in ("retinaface", "star98", "mtl")
    }
    yield lambda model, frame, array: files[model][f"{frame}/{array}"]
    for file in files.values():
        file.close()


@pytest.fixture
def model(published_weights, tmp_path):
    """Loads a model by its file name."""

    def load(name, **options):
        return OnnxModel(published_weights / name, execution_providers("cpu", tmp_path), **options)

    return load


def picture(frame):
    """BGR, as upstream saw it."""
    return cv2.imread(str(ORACLE / "frames" / f"{frame}.png"))


def planes(pixels):
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[np.newaxis], np.float32)


def box_of(golden, frame):
    """Upstream's box, as it truncates it."""
    return np.trunc(golden("retinaface", frame, "dets_05")[0, :4]).astype(float)


def loaded(network, path, key=None):
    found = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(found[key] if key else found)
    return network.eval()


def test_layouts_seeded_numbers_and_kept_figures_are_upstreams():
    kept, theirs = read(UPSTREAM), upstream_figures()
    assert kept.keys() == theirs.keys()
    for key, figures in theirs.items():
        if isinstance(figures, str):
            assert kept[key] == figures
        else:
            np.testing.assert_allclose(kept[key], figures, rtol=1e-7, err_msg=key)
    for name in NETWORKS:
        check_layout(name)


def check_layout(name):
    rows = json.loads((ORACLE / f"layout_{name}.json").read_text())["state_dict"]
    made = {key: tensor.numpy() for key, tensor in state(name).items()}
    assert [(key, list(value.shape), str(value.dtype)) for key, value in made.items()] == [
        (row["key"], list(row["shape"]), row["dtype"]) for row in rows
    ]
    if name != "retinaface":
        digests = json.loads((ORACLE / "seeded_digests.json").read_text())[name]
        assert digest(made.items()) == digests["all_sha256"]


@torch.inference_mode()
def test_retinaface_gives_upstreams_raw_outputs(published, golden):
    """By torch, and exported at the picture's own size."""
    network = loaded(RetinaFaceNetwork(), published / "Alignment_RetinaFace.pth")
    image = planes(picture(FIRST) - np.float32([104, 117, 123]))
    exported = export(network, torch.from_numpy(image), "image", ["offsets", "scores"])
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    offsets, faces = (golden("retinaface", FIRST, name) for name in ("raw_loc", "raw_conf"))
    by_torch = [answer.numpy() for answer in network(torch.from_numpy(image))]
    for answer, error in ((by_torch, 1e-4), (session.run(None, {"image": image}), 1e-3)):
        np.testing.assert_allclose(answer[0], offsets, rtol=0, atol=error)
        np.testing.assert_allclose(answer[1], faces[:, :, 1], rtol=0, atol=error / 10)


def test_faces_are_found_where_upstream_finds_them(golden, model):
    """From raw outputs; and from pictures, letter-boxed into the shipped 640×640 model."""
    normalised = anchors(480, 640) / (640, 480, 640, 480)
    checksum = hashlib.sha256(normalised.astype(np.float32).tobytes()).hexdigest()
    assert checksum == str(golden("retinaface", FIRST, "priors_sha256"))
    offsets, faces = (golden("retinaface", FIRST, name) for name in ("raw_loc", "raw_conf"))
    found = decode(offsets[0], faces[0, :, 1], 480, 640, 0.02)
    expected = golden("retinaface", FIRST, "dets_all")
    np.testing.assert_allclose(found.scores, expected[:, 4], atol=1e-6)
    np.testing.assert_allclose(found.boxes, expected[:, :4], atol=1e-3)
    detector = RetinaFace(model("retinaface_frame.onnx"))
    for frame in FRAMES:
        found, expected = detector.detect(picture(frame)), golden("retinaface", frame, "dets_05")
        np.testing.assert_allclose(found.boxes, expected[:, :4], atol=1.0, err_msg=frame)
        np.testing.assert_allclose(found.scores, expected[:, 4], atol=1e-3, err_msg=frame)
    find_a_face_of_60_px_in_4k(detector)


def find_a_face_of_60_px_in_4k(detector):
    """The second, thorough look finds what the first one misses."""
    frame = picture(FIRST)
    (box,) = search(detector, frame, thorough=False).boxes
    shrunk = 60.0 / (box[3] - box[1])
    place = np.array([[shrunk, 0.0, 2900.0], [0.0, shrunk, 400.0]])
    around = cv2.BORDER_REFLECT
    wide = cv2.warpAffine(frame, place, (3840, 2160), flags=cv2.INTER_AREA, borderMode=around)
    wide[:, :2900], wide[:400], wide[540:] = 90, 90, 90
    wide[:, 3100:] = 90
    assert not len(search(detector, wide, thorough=False))
    found = search(detector, wide, thorough=True)
    expected = box * shrunk + [2900, 400, 2900, 400]
    assert overlaps(expected, found.boxes).max() > 0.7
    assert found.scores.max() > 0.9


def test_star_gives_upstreams_points(golden, checkpoints, model):
    """The crop pixel for pixel, the points from picture and box, and those of each stack."""
    landmarker = Star98(model("star98.onnx"))
    for frame in FRAMES:
        matrix = crop_matrix(golden("star98", frame, "box_int").astype(float))
        np.testing.assert_allclose(matrix, golden("star98", frame, "matrix"), rtol=1e-6)
        cropped = crop(picture(frame), matrix)
        np.testing.assert_array_equal(cropped, golden("star98", frame, "crop_bgr_u8"))
        found = landmarker.locate(picture(frame), box_of(golden, frame))
        zoom = golden("star98", frame, "matrix")[0, 0]
        error = np.abs(found.points - golden("star98", frame, "landmarks_px")) * zoom
        assert error.max() < 0.05, frame  # px of the 256 crop
        assert found.confidence is not None
        assert 0.0 <= found.confidence <= 1.0
    check_every_stack_of_star(golden, checkpoints)


@torch.inference_mode()
def check_every_stack_of_star(golden, checkpoints):
    network = loaded(Star98Network(), checkpoints / "Landmark_98.pkl", "net")
    cropped = golden("star98", FIRST, "crop_bgr_u8").astype(np.float32)
    stacks = network.stacks(torch.from_numpy(planes(cropped / np.float32(255) * 2 - 1)))
    points = torch.cat([network.decode(maps)[0] for maps in stacks])
    expected = golden("star98", FIRST, "landmarks_norm_stacks")
    assert np.abs(points.numpy() - expected).max() * PIXELS < 0.05


@torch.inference_mode()
def test_the_multitask_network_gives_upstreams_answers(golden, checkpoints, model):
    """Every part of it by torch; emotions and gaze as ONNX, too."""
    network = loaded(Multitask(), checkpoints / "MTL_backbone.pth")
    pixels = golden("mtl", FIRST, "input")
    face = torch.from_numpy(pixels)[np.newaxis]
    features = network.base_model(face)
    nodes = network.au_regressor.nodes(torch.relu(network.fc_au(features)))
    similarity = multitask.scaled_similarity(nodes) / multitask.SIMILARITY_SCALE
    emotions, gaze = network.emotion_gaze(face)
    pair = np.stack([pixels, pixels[:, :, ::-1]])
    exported = model("mtl_emotion_gaze.onnx").run(["emotions", "gaze"], faces=pair)
    answers = [
        ("features", features),
        ("gnn_similarity", similarity),
        ("au", network.action_units(face)),
        ("emotion", emotions),
        ("gaze", gaze),
        ("emotion", exported[0]),
        ("gaze", exported[1]),
    ]
    for name, answer in answers:
        expected = golden("mtl", FIRST, name)
        np.testing.assert_allclose(answer[0], expected, rtol=0, atol=1e-3, err_msg=name)


def test_au_scores_are_upstreams_from_picture_and_box(golden, model):
    made = as_input(picture(FIRST), golden("mtl", FIRST, "box_int").astype(float))
    np.testing.assert_allclose(made[0], golden("mtl", FIRST, "input"), atol=2e-4)
    scorer = ActionUnitScores(model("mtl_aus.onnx"))
    for frame in FRAMES:
        face = (picture(frame), box_of(golden, frame))
        scores = scorer.score([face, face])
        np.testing.assert_allclose(scores[0], golden("mtl", frame, "au"), atol=1e-3, err_msg=frame)
        np.testing.assert_array_equal(scores[0], scores[1])


def by_the_authors_camera_program(network, frame, box):
    """PFLD's points (68, 2) of what its authors' program gives it, RGB from 0 to 1, here of the
    face's square and its reflection by OpenCV's own conversions."""
    side = MARGIN * float((box[2:] - box[:2]).max())
    corner = (box[:2] + box[2:] - side) / 2
    zoom = SIZE / side
    to_crop = np.array([[zoom, 0, -zoom * corner[0] - 0.5], [0, zoom, -zoom * corner[1] - 0.5]])
    seen = cv2.warpAffine(frame, to_crop, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    straight, flipped = (
        network.run(["output"], {"input": cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True)})[0]
        for crop in (seen, cv2.flip(seen, 1))
    )
    back = flipped.reshape(68, 2)[COUNTERPART]
    both = straight.reshape(68, 2) + np.column_stack([1 - back[:, 0], back[:, 1]])
    return both / 2 * side + corner


def test_pfld_sees_a_face_as_its_authors_show_it_and_left_and_right_alike(
    golden, model, published_weights
):
    landmarks = Pfld68(model("pfld_68.onnx", free_dimensions={"batch_size": PICTURES}))
    published = onnxruntime.InferenceSession(
        published_weights / "pfld_68.onnx", providers=["CPUExecutionProvider"]
    )
    for frame in FRAMES:
        found = golden("retinaface", frame, "dets_05")[0]
        points = landmarks.locate(picture(frame), found[:4].astype(float)).points
        theirs = by_the_authors_camera_program(published, picture(frame), found[:4].astype(float))
        np.testing.assert_allclose(points, theirs, atol=0.01)
        five = found[5:].reshape(5, 2)  # RetinaFace's own: eyes, nose, mouth corners
        eyes = [points[36:42].mean(0), points[42:48].mean(0)]
        mine = np.stack([*eyes, points[30], points[48], points[54]])
        apart = np.hypot(*(five[1] - five[0]))
        assert np.hypot(*(mine - five).T).max() / apart < 0.2, frame
    left = picture(FIRST)[:, :340]
    face = np.concatenate([left, left[:, ::-1]], axis=1)
    found = landmarks.locate(face, np.array([250.0, 100.0, 429.0, 330.0])).points
    width = found[16, 0] - found[0, 0]
    assert width > 80
    np.testing.assert_allclose(midline_ends(found, IBUG68)[:, 0], 339.5, atol=0.002 * width)
