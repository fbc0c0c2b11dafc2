"""The doctor's page, its JSON, and its exit status."""

import json
import shutil
from dataclasses import replace
from functools import partial

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.doctor.examination import Patient, examine
from ops.doctor.findings import Findings
from ops.doctor.page import page
from ops.terminal.console import terminal
from tests.ops.command import facemirror
from tests.stand_ins.weights_folders import write_own_models
from tests.workers.session.trial.odd_runners import QUICK, SLOW, WRONG
from tests.workers.session.trial.test_trial import MAC, Told, batches, with_kinds
from weights.manifest import DEMO_FOLDER, WeightsRecord, read_record, write_record
from workers.session.backends import Libraries, libraries_here
from workers.session.compute_plan import DevicePlan


def said(findings: Findings) -> str:
    """The page as a wide terminal shows it."""
    console = terminal()
    console.width = 400
    with console.capture() as caught:
        console.print(page(findings))
    return caught.get()


@pytest.fixture
def folder(tmp_path):
    """The demo models as somebody's own, with a record of every kind."""
    made = write_own_models(tmp_path / "weights")
    models = read_record(made).models.values()
    write_record(made, WeightsRecord().having(*(batches(with_kinds(one)) for one in models)))
    return made


@pytest.fixture
def look(folder, tmp_path):
    def look_at(told, anew=False) -> Findings:
        patient = Patient(weights=folder, compiled=tmp_path / "compiled", anew=anew)
        return examine(patient, [].append, libraries=MAC, attempt=told)

    return look_at


def test_a_machine_that_is_well_says_so_and_exits_with_0():
    done = facemirror("doctor", "--weights", "demo")
    assert done.returncode == 0, done.stderr
    for part in ("onnxruntime 1.", "CPUExecutionProvider", "redis-server", "unchanged", "DEMO"):
        assert part in done.stdout
    assert "this machine is well" in done.stdout
    nothing_but_the_cpu = libraries_here() == Libraries(("CPUExecutionProvider",))
    assert ("What was tried" not in done.stdout) == nothing_but_the_cpu


def test_the_json_says_the_same():
    done = CliRunner().invoke(app, ["doctor", "--weights", "demo", "--json"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["well"] is True
    assert [one["command"] for one in found["services"]] == [
        "run --aus openface3 --landmarks star98",
        "worker",
    ]
    assert all(one["backend"].startswith("provider '") for one in found["services"])
    assert {file["model"]: file["state"] for file in found["files"]} == dict.fromkeys(
        read_record(DEMO_FOLDER).models, "unchanged"
    )
    assert {"facemirror", "onnxruntime", "numpy"} <= found["versions"].keys()


@pytest.mark.parametrize(
    ("break_it", "what", "remedy"),
    [
        (lambda f: (f / "star98.onnx").unlink(), "star98.onnx is missing", "weights fetch"),
        (lambda f: (f / "star98.onnx").write_bytes(b""), "changed or damaged", "weights convert"),
        (lambda f: (f / "weights.json").write_text("{"), "cannot be read", "delete it"),
        (shutil.rmtree, "retinaface_frame.onnx is missing", "weights fetch"),
    ],
)
def test_weights_that_are_missing_or_changed_are_said_with_what_to_type(
    break_it, what, remedy, tmp_path
):
    weights = write_own_models(tmp_path / "weights")
    break_it(weights)
    done = CliRunner().invoke(app, ["doctor", "--weights", str(weights), "--json"])
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["well"] is False
    serious = [one for one in found["troubles"] if one["serious"]]
    assert any(what in one["what"] for one in serious)
    assert any(remedy in one["remedy"] for one in serious)
    plain = CliRunner().invoke(app, ["doctor", "--weights", str(weights)])
    assert plain.exit_code == 1
    assert "this machine is well" not in plain.stdout


def test_a_machine_without_a_redis_server_is_told_where_to_get_one(monkeypatch):
    from workers.process.broker import BrokerError

    def none() -> str:
        raise BrokerError("no redis-server is on the PATH: install one (brew install redis)")

    monkeypatch.setattr("ops.doctor.examination.find_server", none)
    done = CliRunner().invoke(app, ["doctor", "--weights", "demo"])
    assert done.exit_code == 1
    assert "brew install redis" in done.stdout


def test_what_was_tried_stands_on_the_page_by_told_figures(look, tmp_path):
    told = Told(**{QUICK.name: 4.0, WRONG.name: "it is wrong: star98's points"})
    found = look(told)
    run, worker = found.services
    assert (run.backend, run.remembered) == (str(QUICK), False)
    assert (worker.backend, worker.remembered) == (str(QUICK), True)  # it runs the same networks
    lines = said(found).splitlines()
    (serves,) = [line for line in lines if "serves" in line and str(QUICK) in line]
    assert "4.0" in serves
    assert "points, px 0.1" in serves
    assert any("fails" in line and str(WRONG) in line and "star98's" in line for line in lines)
    again = look(Told())
    assert again.services[0].remembered
    assert again.services[0].trial == run.trial
    anew = look(Told(), anew=True)
    assert anew.services[0].backend == "provider 'cpu' (onnxruntime, fp32)"


def test_kinds_stand_on_the_page_with_drift_and_whether_they_are_here(look, folder):
    (folder / "star98-fp16").write_bytes(b"not the recorded one")
    found = look(Told(**{QUICK.name: 4.0}))
    kinds = {(one.model, one.kind, one.batch): one for one in found.files}
    assert kinds["star98", "fp32", 1].state == "unchanged"
    assert kinds["star98", "fp16", 1].state == "changed"
    assert kinds["star98", "coreml", 4].state == "missing"
    assert kinds["star98", "coreml", 1].drift == 0.0
    assert not found.well
    assert "coreml, 4 at once" in said(found)


def test_a_backend_that_nothing_proved_is_a_trouble_by_told_figures(look):
    found = look(Told(cpu="star98.onnx cannot be loaded"))
    assert not found.well
    assert "the models do not run here: star98.onnx cannot be loaded" in said(found)


def test_the_share_of_the_neural_engine_stands_on_the_page_by_a_made_up_plan(look):
    plan = DevicePlan(
        operations={"Neural Engine": {"conv": 81, "add": 18}, "CPU": {"topk": 1}},
        cost={"Neural Engine": 0.995, "CPU": 0.005},
    )
    unknown = DevicePlan(operations={}, cost={}, why_not="it was not ready within 120 s")
    found = replace(look(Told()), plans={"star98": plan, "mtl_aus": unknown})
    lines = said(found).splitlines()
    (star,) = [line for line in lines if "99.0%" in line]
    assert "99.5%" in star
    assert "1 topk" in star
    assert any("it was not ready within 120 s" in line for line in lines)


def test_a_trial_is_made_by_real_attempts_and_remembered(tmp_path):
    """On a machine that says it is a Mac: its backends fail here, each in its own process."""
    from workers.session.trial.watched import watched_attempt

    tried = []

    def attempt(request, *, processes, patience):
        tried.append(request.backend)
        return watched_attempt(request, processes=processes, patience=patience)

    weights = write_own_models(tmp_path / "weights")
    patient = Patient(weights=weights, compiled=tmp_path / "compiled")
    look = partial(examine, patient, [].append, libraries=MAC, attempt=attempt)
    first = look()
    assert first.services[0].backend is not None
    count = len(tried)
    assert count == 2  # the CPU, and Core ML with the only kind that is recorded
    assert look().services[0].remembered
    assert len(tried) == count


def test_a_worker_serves_all_analyses_and_has_a_trial_of_its_own_by_told_figures(
    phantom_weights, tmp_path
):
    told = Told(**{SLOW.name: 1.0})
    patient = Patient(weights=phantom_weights, compiled=tmp_path / "compiled")
    found = examine(patient, [].append, libraries=MAC, attempt=told)
    by_command = {one.command: one for one in found.services}
    first, *others, worker = found.services
    assert (first.command, worker.command) == ("run --aus openface3 --landmarks star98", "worker")
    assert (first.backend, worker.backend) == (str(SLOW), str(SLOW))
    assert all(one.why_not.startswith("not tried yet") for one in others)
    assert len(told.tried) == 4  # the CPU and the one recorded kind, for the run and the worker
    assert "run --aus openface2 --landmarks clnf68" in by_command
