"""The demo networks can be trained: each lesson lowers its loss, always in the same way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
onnx = pytest.importorskip("onnx", reason="needs torch: make test EXTRAS=dev,convert")
pytest.importorskip("onnxscript", reason="needs torch: make test EXTRAS=dev,convert")

from weights.demo.learning.networks import ActionUnits  # noqa: E402
from weights.demo.learning.publishing import publish  # noqa: E402
from weights.demo.learning.training import train  # noqa: E402
from weights.demo.train import LESSONS, Lesson  # noqa: E402
from weights.manifest import DEMO_FOLDER, MODELS, read_record, sha256_of, verify_model  # noqa: E402

NAMES = [lesson.network.__name__ for lesson in LESSONS]
STEPS = 25


def trained(lesson: Lesson, steps: int) -> "torch.nn.Module":
    torch.manual_seed(lesson.schedule.seed)
    schedule = replace(lesson.schedule, steps=steps)
    return train(lesson.network(), lesson.batch, lesson.loss, schedule, lambda _: None)


@pytest.fixture(autouse=True)
def deterministic():
    """What weights.demo.learning.training.make_deterministic sets, for the length of a test."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_a_few_steps_lower_the_loss_of_samples_that_were_not_trained_on(lesson: Lesson) -> None:
    held = lesson.batch(np.random.default_rng([77, 0]), 0)
    torch.manual_seed(lesson.schedule.seed)
    beginner, pupil = lesson.network().train(), trained(lesson, STEPS).train()
    with torch.inference_mode():
        before, after = (float(lesson.loss(network, *held)) for network in (beginner, pupil))
    assert after < 0.9 * before


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_training_again_gives_the_same_numbers(lesson: Lesson) -> None:
    first, again = (trained(lesson, 2).state_dict() for _ in range(2))
    assert first.keys() == again.keys()
    for name, numbers in first.items():
        assert torch.equal(numbers, again[name]), name


def test_a_published_model_is_marked_as_a_demo_and_always_the_same_file(tmp_path: Path) -> None:
    published = []
    for folder in ("first", "again"):
        torch.manual_seed(5)
        network = ActionUnits()
        published.append(publish("mtl_aus", network, tmp_path / folder))
    first, again = published
    assert first == again
    assert first.demo
    assert not first.official
    assert verify_model(tmp_path / "first", "mtl_aus") == first
    path = tmp_path / "again" / MODELS["mtl_aus"].file
    assert sha256_of(path) == first.sha256
    notes = {note.key: note.value for note in onnx.load(path).metadata_props}
    assert notes["demo"] == "true"
    assert notes["official"] == "false"
    assert notes["source_sha256"] == first.source_sha256
    hidden = {c.name: c for c in onnx.load(path).graph.initializer}["hidden.weight_half"]
    assert onnx.numpy_helper.to_array(hidden).dtype == np.float16  # half the file
    faces = np.random.default_rng(2).standard_normal((2, 3, 224, 224)).astype(np.float32)
    (answer,) = onnxruntime.InferenceSession(path).run(["aus"], {"faces": faces})
    with torch.inference_mode():
        expected = network(torch.from_numpy(faces)).numpy()
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_the_projects_demo_models_are_small_and_the_ones_that_the_report_lists() -> None:
    record = read_record(DEMO_FOLDER)
    report = (DEMO_FOLDER.parent / "TRAINING.md").read_text(encoding="utf-8")
    taught = {name for lesson in LESSONS for name in lesson.models}
    assert set(record.models) == taught
    for name, model in record.models.items():
        assert verify_model(DEMO_FOLDER, name) == model
        assert f"| {model.file} | `{model.sha256}` |" in report
    assert sum((DEMO_FOLDER / m.file).stat().st_size for m in record.models.values()) <= 3_000_000
