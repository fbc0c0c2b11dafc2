"""Workers of unlike kinds in one lab: one recording, one kind, and none that is not recorded.

The float16 kinds are stand-ins: float32 files under their names.
"""

from dataclasses import replace

import msgspec
import pytest

from ops.lab.not_served import Served, why_not_served
from ops.studies.submission import model_sums
from tasks.feed import recording_queue
from tasks.messages import RecordingOrder, RunSettings
from tests.ops.outputs import Outputs
from tests.stand_ins.kinds import write_kinds
from weights.manifest import DEMO_FOLDER, InstalledModel, ModelVariant
from workers.chunk.order import AnalysisSettings
from workers.process.arithmetic import arithmetic
from workers.process.broker import queue_length
from workers.process.presence import WorkerPresence
from workers.process.queues import served_queues
from workers.session.backends import CPU, Backend
from workers.session.needed_models import check_weights

HALF = Backend("cpu", "fp16")


@pytest.fixture
def labs(lab, phantom_weights, tmp_path):
    """The same lab with workers of float32 and of float16."""
    weights = write_kinds(phantom_weights, tmp_path / "weights")
    whole = replace(lab.configuration, weights=weights)
    half = replace(whole, backend=HALF)
    return replace(lab, configuration=whole), replace(lab, configuration=half)


def test_a_recording_that_a_worker_of_another_kind_has_begun_is_handed_on(labs, face_clip):
    whole, half = labs
    with whole.workers(0):
        submission = whole.submit(face_clip, chunk_frames=20)
        asked = submission.study.order(submission.id)
        queue, handed_on = (recording_queue(asked, one) for one in (None, arithmetic(CPU)))
        here = WorkerPresence(name="facemirror@pc", provider="cpu", queues=(queue,), version="1")
        whole.client.set("facemirror:worker:facemirror@pc", msgspec.json.encode(here))
        whole.until(lambda: queue_length(whole.client, queue) == 3, None, 90)
    assert submission.store.claim(arithmetic(CPU)) == arithmetic(CPU)
    with half.workers(1, files=0) as workers:
        whole.until(lambda: queue_length(whole.client, handed_on) == 3, workers, 90)
    assert submission.store.progress().analysed == 0
    with whole.workers(1) as workers:
        outcome = whole.wait(submission, workers)
    assert outcome.status == "done", outcome.reason
    run = Outputs(whole.out / face_clip.stem).run
    assert (run["precision"], run["arithmetic"]) == ("fp32", arithmetic(CPU))
    assert set(run["measured_by"][0]["files"]) == {
        "retinaface_frame.onnx",
        "retinaface_face.onnx",
        "pfld_68.onnx",
        "mtl_aus.onnx",
    }


def test_a_worker_serves_no_other_precision_than_asked_for(labs, face_clip):
    whole, half = labs
    with whole.workers(1, name="whole") as others, half.workers(1, files=0, name="half") as workers:
        submission = whole.submit(face_clip, chunk_frames=20, precision="fp16")
        outcome = whole.wait(submission, workers)
        others.tend()
    assert outcome.status == "done", outcome.reason
    run = Outputs(whole.out / face_clip.stem).run
    assert (run["precision"], run["arithmetic"]) == ("fp16", arithmetic(HALF))
    assert "pfld_68_fp16.onnx" in run["measured_by"][0]["files"]


def kind(model: InstalledModel, checksum: str = "f", name: str = "fp16") -> ModelVariant:
    return ModelVariant(name, f"{model.name}_{name}", checksum * 64, 1, 0.1, "px", "1")


PLAIN = check_weights(DEMO_FOLDER, "star98")
KINDS = tuple(replace(model, variants=(kind(model),)) for model in PLAIN)
OTHERS = tuple(replace(model, variants=(kind(model, "e"),)) for model in PLAIN)
MORE = tuple(replace(m, variants=(*m.variants, kind(m, "c", "coreml"))) for m in KINDS)


def order(models, precision="any") -> RecordingOrder:
    return RecordingOrder(
        id="s.00001",
        study="s",
        label="smile.mp4",
        files=None,
        settings=RunSettings(analysis=AnalysisSettings()),
        models=model_sums(models),
        precision=precision,
    )


def served(models, backend=CPU) -> Served:
    queues = frozenset(served_queues(["analyze"], [models], backend))
    return Served(queues, {("star98", "openface3"): models}, backend)


@pytest.mark.parametrize(
    ("wanted", "precision", "here", "backend"),
    [
        (KINDS, "any", KINDS, CPU),
        (KINDS, "any", KINDS, HALF),
        (KINDS, "fp16", KINDS, HALF),
        (KINDS, "fp32", PLAIN, CPU),
        (PLAIN, "fp32", MORE, CPU),
    ],
)
def test_a_worker_that_may_serve_reads_the_orders_queue(wanted, precision, here, backend):
    asked, me = order(wanted, precision), served(here, backend)
    assert recording_queue(asked, None) in me.queues
    assert why_not_served(asked, me) is None


@pytest.mark.parametrize(
    ("wanted", "precision", "here", "backend", "said"),
    [
        (KINDS, "any", PLAIN, HALF, "it wants retinaface_frame_fp16 (sha256 ffffffffffff…), "),
        (KINDS, "fp16", OTHERS, HALF, "it wants retinaface_frame_fp16 (sha256 ffffffffffff…), "),
        (KINDS, "any", MORE, HALF, "it wants models without mtl_aus_coreml, "),
        (KINDS, "fp16", KINDS, CPU, "it wants fp16, and this worker runs provider 'cpu' "),
        (KINDS, "fp32", KINDS, HALF, "start another one with --precision fp32"),
    ],
)
def test_a_worker_that_must_not_serve_never_sees_the_chunk_and_says_why(
    wanted, precision, here, backend, said
):
    asked, me = order(wanted, precision), served(here, backend)
    assert recording_queue(asked, None) not in me.queues
    assert said in (why_not_served(asked, me) or "")


def test_an_order_of_an_earlier_version_names_no_kinds():
    plain = msgspec.to_builtins(order(PLAIN))
    del plain["precision"]
    for model in plain["models"]:
        del model["variants"]
    assert msgspec.convert(plain, RecordingOrder) == order(PLAIN)
