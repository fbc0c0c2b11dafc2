"""The networks have upstream's layout and give upstream's answers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'convert'")

from tests.weights.goldens import (  # noqa: E402
    FRAMES,
    detector_input,
    golden,
    landmark_input,
    layout,
)
from weights.architectures import multitask, star98  # noqa: E402
from weights.architectures.multitask import Multitask  # noqa: E402
from weights.architectures.retinaface import RetinaFace  # noqa: E402
from weights.architectures.star98 import Star98  # noqa: E402

PIXELS = 256 / 2  # of the landmark crop, for a step of 1 in [-1,1]


def loaded(network, path, key=None):
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state[key] if key else state)
    return network.eval()


@pytest.fixture(scope="module")
def star(checkpoints):
    return loaded(Star98(), checkpoints / "Landmark_98.pkl", "net")


@pytest.fixture(scope="module")
def mtl(checkpoints):
    return loaded(Multitask(), checkpoints / "MTL_backbone.pth")


@pytest.mark.parametrize(
    ("model", "network"), [("retinaface", RetinaFace), ("star98", Star98), ("mtl", Multitask)]
)
def test_state_dicts_have_upstreams_keys_shapes_and_order(model, network):
    tensors = [
        (key, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for key, tensor in network().state_dict().items()
    ]
    assert tensors == layout(model)


@torch.inference_mode()
def test_retinaface_gives_upstreams_raw_outputs(checkpoints):
    network = loaded(RetinaFace(), checkpoints / "Alignment_RetinaFace.pth")
    offsets, scores = network(torch.from_numpy(detector_input("default_0000")))
    np.testing.assert_allclose(
        offsets, golden("retinaface", "default_0000", "raw_loc"), rtol=0, atol=1e-4
    )
    faces = golden("retinaface", "default_0000", "raw_conf")[:, :, 1]
    np.testing.assert_allclose(scores, faces, rtol=0, atol=1e-5)


@torch.inference_mode()
def test_every_stack_of_star_gives_upstreams_points(star):
    stacks = star.stacks(torch.from_numpy(landmark_input("default_0000")))
    points = torch.cat([star.decode(maps)[0] for maps in stacks])
    expected = golden("star98", "default_0000", "landmarks_norm_stacks")
    assert np.abs(points.numpy() - expected).max() * PIXELS < 0.05


@torch.inference_mode()
@pytest.mark.parametrize("frame", FRAMES[1:3])
def test_star_gives_upstreams_points(star, frame):
    points, _ = star(torch.from_numpy(landmark_input(frame)))
    expected = golden("star98", frame, "landmarks_norm")
    assert np.abs(points[0].numpy() - expected).max() * PIXELS < 0.05


@torch.inference_mode()
def test_confidence_is_the_response_at_the_points(star):
    maps = star.stacks(torch.from_numpy(landmark_input("default_0000")))[-1]
    _, confidence = star.decode(maps)
    where = maps.fused / maps.fused.sum(dim=(2, 3), keepdim=True)
    assert confidence.item() == pytest.approx((where * maps.point).sum().item() / 98, abs=1e-5)
    assert 0 <= confidence.item() <= 1
    certain = maps._replace(point=torch.ones_like(maps.point))
    assert star.decode(certain)[1].item() == pytest.approx(1, abs=1e-5)


def test_the_heat_threshold_is_exact_on_both_sides():
    threshold = np.float32(0.05)
    heat = torch.tensor([0, np.nextafter(threshold, 0), threshold, np.nextafter(threshold, 1), 3.0])
    assert star98._above_threshold(heat).tolist() == [0, 0, 0, 1, 1]
    assert star98._above_threshold(heat.half()[[0, 4]]).tolist() == [0, 1]


@torch.inference_mode()
def test_the_multitask_network_gives_upstreams_answers(mtl):
    face = torch.from_numpy(golden("mtl", "default_0000", "input"))[np.newaxis]
    features = mtl.base_model(face)
    nodes = mtl.au_regressor.nodes(torch.relu(mtl.fc_au(features)))
    similarity = multitask.scaled_similarity(nodes) / multitask.SIMILARITY_SCALE
    emotions, gaze = mtl.emotion_gaze(face)
    answers = {
        "features": features,
        "gnn_similarity": similarity,
        "au": mtl.action_units(face),
        "emotion": emotions,
        "gaze": gaze,
    }
    for name, answer in answers.items():
        expected = golden("mtl", "default_0000", name)
        np.testing.assert_allclose(answer[0], expected, rtol=0, atol=1e-3, err_msg=name)


@torch.inference_mode()
def test_faces_of_a_batch_do_not_touch_each_other(mtl):
    face = torch.from_numpy(golden("mtl", "default_0000", "input"))
    both = mtl.action_units(torch.stack([face, face.flip(2)]))
    alone = mtl.action_units(face.flip(2)[np.newaxis])
    np.testing.assert_allclose(both[1], alone[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_neighbours_are_those_at_least_the_fourth_largest(scale):
    rows = torch.randn(16, 8, 8, generator=torch.Generator().manual_seed(1)) * scale
    rows[0, :, 2] = rows[0, :, 5]  # ties
    rows[1] = 1.0
    fourth = rows.topk(4, dim=2).values[:, :, 3:]
    assert torch.equal(multitask.neighbours(rows), (rows >= fourth).float())


@torch.inference_mode()
def test_the_graph_head_survives_float16(mtl, checkpoints):
    half = loaded(Multitask(), checkpoints / "MTL_backbone.pth").au_regressor.half()
    features = torch.rand(2, 1280, generator=torch.Generator().manual_seed(2))
    for loudness in (0.0, 1.0, 30.0):
        exact = mtl.au_regressor(features * loudness)
        rough = half((features * loudness).half())
        np.testing.assert_allclose(rough.float(), exact, rtol=0, atol=0.02)
