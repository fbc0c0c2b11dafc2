"""What the benchmark says of backends, by attempts that are told."""

from pathlib import Path

import pytest

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.setting import Setting
from ops.bench.parts.backends import measure
from tests.stand_ins.weights_folders import write_own_models
from tests.workers.session.trial.odd_runners import QUICK, WRONG
from tests.workers.session.trial.test_trial import MAC, Told, batches, with_kinds
from weights.manifest import WeightsRecord, read_record, write_record
from workers.session.backends import CPU, Libraries


@pytest.fixture
def folder(tmp_path):
    """The demo models with a record of every kind."""
    made = write_own_models(tmp_path / "weights")
    models = read_record(made).models.values()
    write_record(made, WeightsRecord().having(*(batches(with_kinds(one)) for one in models)))
    return made


def setting(weights: Path) -> Setting:
    return Setting(
        recording=Path("none.mp4"),
        weights=weights,
        workers=2,
        rounds=1,
        quick=True,
        beside={},
        older=None,
        folder=weights,
        say=[].append,
    )


def test_every_backend_of_a_mac_has_its_rows(folder):
    findings = Findings()
    told = Told(**{QUICK.name: 8.0, WRONG.name: "it is wrong"})
    measure(setting(folder), findings, libraries=MAC, attempt=told)
    found = {(f.subject.partition(" on ")[2], f.quantity): f for f in findings.figures}
    assert found[str(QUICK), "networks, in one process"].value == pytest.approx(8.0)
    assert found[str(CPU), "networks, in one process"].value == pytest.approx(50.0)
    off = found[str(QUICK), "points off the CPU's"]
    assert (off.value, off.unit) == (pytest.approx(0.1), "px")
    assert f"openface3+star98 on {WRONG} does not serve: it is wrong" in findings.notes
    assert set(told.tried) >= {QUICK, WRONG, CPU}


def test_a_machine_with_nothing_but_the_cpu_has_nothing_to_compare(folder):
    findings = Findings()
    told = Told()
    libraries = Libraries(("CPUExecutionProvider",))
    measure(setting(folder), findings, libraries=libraries, attempt=told)
    assert (findings.figures, told.tried) == ([], [])
