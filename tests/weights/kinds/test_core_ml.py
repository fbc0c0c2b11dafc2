"""Core ML programs: written with the same bytes each time, read and run without a Mac."""

import json
import shutil

import numpy as np
import pytest

WHY = "needs torch and the extra coreml: make test EXTRAS=dev,convert,coreml"
torch = pytest.importorskip("torch", reason=WHY)
pytest.importorskip("coremltools", reason=WHY)

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from weights.kinds import core_ml_program  # noqa: E402
from weights.kinds.core_ml import note_in_package, write_package  # noqa: E402
from weights.kinds.core_ml_program import Program  # noqa: E402
from weights.kinds.half_precision import rounded_answer, with_plain_norms  # noqa: E402
from weights.manifest import sha256_of  # noqa: E402


class Small(nn.Module):
    """Most of what the shipped networks consist of."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.last = nn.Linear(8, 4)
        nn.init.uniform_(self.norm.running_var, 0.5, 2)
        nn.init.normal_(self.norm.running_mean)

    def forward(self, image):
        x = F.leaky_relu(self.norm(F.relu(self.first(image))), 0.1)
        x = torch.cat([x, F.silu(self.depthwise(F.pad(x, (0, 1, 0, 1))))[:, :, :-1, :-1]], dim=1)
        x = F.interpolate(F.max_pool2d(x, 2, 2), scale_factor=2.0, mode="nearest")
        x = F.relu(F.instance_norm(x))[:, 3:11]
        total = torch.maximum(x.sum(dim=(2, 3)), torch.tensor(2.0**-14))
        mean = (x * torch.sigmoid(x)).mean(dim=(2, 3)) / total
        scores = self.last(mean).softmax(dim=1)
        peak = x.amax(dim=(2, 3)).sqrt().clamp(0, 1)
        return scores, torch.stack([peak, total - peak], dim=2).transpose(1, 2).reshape(-1, 16)


@pytest.fixture(scope="module")
def network():
    return with_plain_norms(Small())


@pytest.fixture(scope="module")
def package(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "small.mlpackage"
    write_package(network, torch.zeros(2, 3, 16, 16), "image", ["scores", "peaks"], path)
    note_in_package(path, {"model": "small"})
    return path


def test_the_program_in_the_file_answers_as_torch_does(network, package):
    program = Program(package)
    image = torch.rand(2, 3, 16, 16)
    answers = program.run(image=image.numpy())
    with torch.no_grad():
        for answer, exact, rounded in zip(
            answers, network(image), rounded_answer(network, image), strict=True
        ):
            np.testing.assert_allclose(answer, exact.numpy(), rtol=0.01, atol=0.01)
            np.testing.assert_allclose(answer, rounded.numpy(), rtol=0.01, atol=0.01)
            assert not np.array_equal(answer, exact.numpy())
            np.testing.assert_array_equal(answer, np.float16(answer))


def test_a_program_calculates_in_float16_and_has_float32_ends(package):
    program = Program(package)
    assert program.end_types == {"fp32"}
    assert program.shapes == {
        "image": (2, 3, 16, 16),
        "scores": (2, 4),
        "peaks": (2, 16),
    }
    made = program.precisions()
    assert made.pop("cast") == {"fp16", "fp32"}
    assert set().union(*made.values()) == {"fp16"}
    assert "max_pool" in program.fed_by("instance_norm")
    assert "softmax" not in program.fed_by("instance_norm")


def test_the_same_network_gives_the_same_bytes_and_no_date(network, package, tmp_path):
    again = tmp_path / "small.mlpackage"
    write_package(network, torch.zeros(2, 3, 16, 16), "image", ["scores", "peaks"], again)
    assert sha256_of(again) != sha256_of(package)
    note_in_package(again, {"model": "small"})
    assert sha256_of(again) == sha256_of(package)
    notes = Program(again).notes
    assert notes["model"] == "small"
    assert not any("date" in note for note in notes)


def test_a_package_names_its_parts_as_core_ml_wants(package):
    manifest = json.loads((package / "Manifest.json").read_text())
    root = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
    assert root["path"] == "com.apple.CoreML/model.mlmodel"
    for item in manifest["itemInfoEntries"].values():
        assert (package / "Data" / item["path"]).exists()


def test_what_lies_where_a_package_goes_is_replaced(network, package, tmp_path):
    path = tmp_path / "small.mlpackage"
    shutil.copytree(package, path)
    (path / "left over").write_text("")
    write_package(network, torch.zeros(2, 3, 16, 16), "image", ["scores", "peaks"], path)
    assert not (path / "left over").exists()
    assert [item.name for item in tmp_path.iterdir()] == ["small.mlpackage"]


def test_an_operator_that_is_not_known_is_named(package, monkeypatch):
    monkeypatch.delitem(core_ml_program.OPERATORS, "softmax")
    with pytest.raises(ValueError, match=r"small\.mlpackage has operators .*\['softmax'\]"):
        Program(package)
