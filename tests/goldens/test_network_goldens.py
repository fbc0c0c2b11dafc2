"""What seeded networks answer is what they answered, and what upstream's code made of the same."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")

from tests.goldens import figures  # noqa: E402
from tests.goldens.comparison import ROUGH, check  # noqa: E402
from tests.goldens.files import UPSTREAM, read  # noqa: E402
from tests.stand_ins.checkpoints import NETWORKS, state  # noqa: E402
from tests.stand_ins.seeded import digest  # noqa: E402
from weights.architectures import multitask  # noqa: E402


def test_what_seeded_networks_answer():
    check("network_answers", figures.network_answers(), {"": ROUGH, "star_points": 0.05 / 128})


def test_seeded_heads_give_upstreams_answers_to_upstreams_features():
    upstream = read(UPSTREAM)
    network = NETWORKS["mtl"]().eval()
    for name in ("star98", "mtl"):
        made = state(name)
        assert (
            digest((key, value.numpy()) for key, value in made.items())
            == upstream[f"{name}_sha256"]
        ), name
    network.load_state_dict(made)
    with torch.inference_mode():
        features = torch.from_numpy(upstream["features"].astype(np.float32))
        network.base_model = torch.nn.Identity()
        emotions, gaze = network.emotion_gaze(features)
        nodes = network.au_regressor.nodes(torch.relu(network.fc_au(features)))
        similarity = multitask.scaled_similarity(nodes) / multitask.SIMILARITY_SCALE
        aus = network.action_units(features)
    answers = {"emotion": emotions, "gaze": gaze, "au": aus, "gnn_similarity": similarity}
    for name, answer in answers.items():
        found = answer.numpy().reshape(len(features), -1)
        np.testing.assert_allclose(found, upstream[name], rtol=0, atol=ROUGH, err_msg=name)
