"""Kinds are written and recorded, several pictures at once too; one that drifts too far is not."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest

WHY = "needs torch: make test EXTRAS=dev,convert"
torch = pytest.importorskip("torch", reason=WHY)
pytest.importorskip("onnxscript", reason=WHY)

from torch import nn  # noqa: E402

from tests.stand_ins.checkpoints import state  # noqa: E402
from weights.architectures.star98 import Star98  # noqa: E402
from weights.kinds import making  # noqa: E402
from weights.kinds.drift import LIMITS  # noqa: E402
from weights.kinds.making import Subject, make_kinds  # noqa: E402
from weights.manifest import sha256_of  # noqa: E402
from weights.recipes import RECIPES  # noqa: E402

NOTES = {"model": "star98", "source_file": "Landmark_98.pkl"}


class Centres(nn.Module):
    """In STAR's place: 98 points from averages of the picture, and how bright it is."""

    def __init__(self, scale=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.look = nn.Conv2d(3, 196, 16, stride=16)
        self.scale = scale

    def forward(self, image):
        seen = self.look(image * self.scale)
        points = torch.sigmoid(seen.mean(dim=(2, 3))).reshape(-1, 98, 2)
        return points, torch.sigmoid(image.mean(dim=(1, 2, 3)))


@pytest.fixture(autouse=True)
def without_core_ml(monkeypatch):
    """Programs are tested beside this; converting takes seconds."""
    monkeypatch.setattr(making, "core_ml_can_be_made", lambda: False)


def subject(network=None):
    return Subject("star98", (network or Centres()).eval(), RECIPES["star98"], NOTES)


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_kinds_are_written_for_one_and_for_several_pictures(tmp_path):
    lines = []
    made = make_kinds(subject(), tmp_path, lines.append)
    assert [(one.kind, one.batch) for one in made] == [("fp16", 1), ("fp32", 4), ("fp16", 4)]
    assert [one.file for one in made] == [
        "star98_fp16.onnx",
        "star98_batch4.onnx",
        "star98_batch4_fp16.onnx",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(one.file for one in made)
    assert all(sha256_of(tmp_path / one.file) == one.sha256 for one in made)
    assert made[1].drift < 1e-3 < made[0].drift < LIMITS["star98"]["px"]
    assert [line.split(":")[0] for line in lines] == [one.file for one in made]
    notes = session(tmp_path / made[2].file).get_modelmeta().custom_metadata_map
    assert notes["batch"] == "4"
    assert notes["precision"] == "float16"
    assert notes["source_file"] == "Landmark_98.pkl"


def test_four_pictures_at_once_are_answered_as_each_alone(tmp_path):
    network = Centres().eval()
    make_kinds(subject(network), tmp_path, lambda _: None)
    pictures = torch.rand(4, 3, 256, 256) * 2 - 1
    points, confidence = session(tmp_path / "star98_batch4.onnx").run(
        None, {"image": pictures.numpy()}
    )
    with torch.no_grad():
        for row in range(4):
            alone = network(pictures[row : row + 1])
            np.testing.assert_allclose(points[row], alone[0][0].numpy(), atol=1e-6)
            np.testing.assert_allclose(confidence[row], alone[1][0].numpy(), atol=1e-6)


def test_star_itself_answers_two_faces_as_each_alone():
    """The first stack exactly; later ones look where a threshold says, which sums may tip."""
    network = Star98().eval()
    network.load_state_dict(state("star98"))
    faces = torch.cat(RECIPES["star98"].examples()[:2])
    with torch.no_grad():
        together = network.stacks(faces)
        for row in range(2):
            alone = network.stacks(faces[row : row + 1])
            for stack, furthest in ((0, 0.01), (-1, 0.5)):
                points, confidence = network.decode(together[stack])
                expected = network.decode(alone[stack])
                assert (points[row] - expected[0][0]).abs().max() * 128 < furthest
                assert (confidence[row] - expected[1][0]).abs().max() < 1e-3


def test_a_kind_that_drifts_too_far_is_taken_away_and_said(tmp_path, monkeypatch):
    (tmp_path / "star98_fp16.onnx").write_bytes(b"an earlier one")
    monkeypatch.setitem(making.LIMITS, "star98", {"px": 1e-9, "score": 0.01})
    monkeypatch.setattr(making, "BATCHES", {})
    lines = []
    assert make_kinds(subject(), tmp_path, lines.append) == ()
    (line,) = lines
    assert line.startswith("star98_fp16.onnx: not offered, it drifts by ")
    assert line.endswith("more than 1e-09 px and 0.01 score")
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_float16_cannot_hold_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "BATCHES", {})
    lines = []
    assert make_kinds(subject(Centres(scale=1e-6)), tmp_path, lines.append) == ()
    assert "not offered" in lines[0]
    assert "which would count as 0" in lines[0]


class Ratio(Centres):
    """Divides by a square of how bright the picture is: float16 has none for a black one."""

    def forward(self, image):
        points, confidence = super().forward(image)
        bright = (image + 1).mean(dim=(1, 2, 3)) + 2.0**-14
        square = bright * bright
        return points, confidence * square / square


def test_no_number_for_a_black_picture_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "BATCHES", {})
    lines = []
    assert make_kinds(subject(Ratio()), tmp_path, lines.append) == ()
    assert "inf px" in lines[0]


def test_a_model_that_no_worker_runs_has_no_kinds(tmp_path):
    recipe = RECIPES["mtl_emotion_gaze"]
    other = replace(subject(), name="mtl_emotion_gaze", recipe=recipe)
    assert make_kinds(other, tmp_path, lambda _: None) == ()


def test_a_graph_that_is_there_is_halved_as_it_is(tmp_path, monkeypatch):
    from weights.export import export

    monkeypatch.setattr(making, "BATCHES", {})
    network = Centres().eval()
    graph = export(network, torch.zeros(1, 3, 256, 256), "image", ["points", "confidence"])
    graph.graph.node[0].name = "named by a test"
    make_kinds(replace(subject(network), graph=graph), tmp_path, lambda _: None)
    names = [node.name for node in onnx.load(tmp_path / "star98_fp16.onnx").graph.node]
    assert "named by a test" in names
