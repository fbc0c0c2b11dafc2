"""What the networks compute; that it is what upstream computes: tests/goldens, tests/upstream."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")

from weights.architectures import multitask, star98  # noqa: E402
from weights.architectures.multitask import Multitask  # noqa: E402
from weights.architectures.star98 import Star98  # noqa: E402


def seeded_pixels(*shape):
    """Noise from -1 to 1."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(3)) * 2 - 1


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


@torch.inference_mode()
def test_confidence_is_the_response_at_the_points(star):
    maps = star.stacks(seeded_pixels(1, 3, 256, 256))[-1]
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
def test_faces_of_a_batch_do_not_touch_each_other(mtl):
    face = seeded_pixels(3, 224, 224)
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
