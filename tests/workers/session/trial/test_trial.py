"""A machine proves before it serves: runners made for tests, each really run in its process."""

import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.workers.session.trial.odd_runners import (
    BATCHED,
    DYING,
    HANGING,
    MIXED_UP,
    NO_NUMBERS,
    QUICK,
    REFUSING,
    SLOW,
    WRONG,
    oddly,
)
from weights.manifest import DEMO_FOLDER, InstalledModel, ModelVariant
from workers.models.runner import Runner
from workers.session.backends import CPU, Backend, Libraries
from workers.session.needed_models import check_weights
from workers.session.providers import ProviderError
from workers.session.runners import open_runner
from workers.session.trial import attempt
from workers.session.trial.attempt import AttemptRequest
from workers.session.trial.choice import Wish, choose_backend
from workers.session.trial.figures import Attempt, NetworkFigures, Trial
from workers.session.trial.watched import watched_attempt

MAC = Libraries(("CoreMLExecutionProvider", "CPUExecutionProvider"), coremltools=True)
PROGRAM = (sys.executable, "-m", "tests.workers.session.trial.odd_runners")
HANG_PATIENCE = 20.0


def attempt_of_a_runner_made_for_tests(request, *, processes, patience) -> Attempt:
    assert patience > HANG_PATIENCE
    return watched_attempt(request, processes=processes, patience=HANG_PATIENCE, program=PROGRAM)


def with_kinds(installed: InstalledModel) -> InstalledModel:
    """A record with every kind: the runners made for tests run the float32 file for all."""
    variants = [
        ModelVariant(kind, f"{installed.name}-{kind}", kind[-1] * 64, 1, 0.0, "px", "1")
        for kind in ("fp16", "coreml")
    ]
    return replace(installed, variants=tuple(variants))


INSTALLED = tuple(map(with_kinds, check_weights(DEMO_FOLDER, "star98")))


def wish(folder: Path, **changed) -> Wish:
    given = {"weights": DEMO_FOLDER, "installed": INSTALLED, "compiled": folder / "compiled"}
    return Wish(**(given | changed))


@pytest.fixture(scope="module")
def tried(tmp_path_factory) -> tuple[Backend, dict[Backend, Attempt], list[str], Path]:
    """What a trial of all seven found: the backend, each attempt, what was said; the folder."""
    folder, said = tmp_path_factory.mktemp("trial"), []
    backend, trial = choose_backend(
        wish(folder), said.append, libraries=MAC, attempt=attempt_of_a_runner_made_for_tests
    )
    assert trial is not None
    return backend, {one.backend: one for one in trial.attempts}, said, folder


def test_the_fastest_that_is_right_serves(tried):
    backend, attempts, _, _ = tried
    assert backend == QUICK
    assert attempts[QUICK].right
    assert 0 < attempts[QUICK].machine_ms < attempts[CPU].machine_ms
    networks = {network.name for network in attempts[QUICK].networks}
    assert networks == {"retinaface_frame", "retinaface_face", "star98", "mtl_aus"}


def test_a_slow_one_that_is_right_is_passed_over(tried):
    _, attempts, _, _ = tried
    assert attempts[SLOW].right
    assert attempts[SLOW].frame_ms > 600  # three networks in a frame, each 200 ms late


@pytest.mark.parametrize(
    ("backend", "why_not"),
    [
        (WRONG, "it is wrong: star98's points, px are 1.2 off, more than 0.5"),
        (NO_NUMBERS, "it is wrong: retinaface_frame's answers are no numbers"),
        (HANGING, "it was not ready within 20 s"),
        (DYING, "it ended with SIGSEGV"),
        (REFUSING, "it ended with 1: RuntimeError: no such device"),
    ],
)
def test_one_that_is_wrong_hangs_or_dies_is_found_and_named(backend, why_not, tried):
    _, attempts, said, _ = tried
    assert not attempts[backend].right
    assert attempts[backend].why_not.startswith(why_not)
    assert any(line.startswith(f"{backend}: {why_not}") for line in said)


def test_what_was_found_is_remembered(tried):
    backend, attempts, _, folder = tried
    said = []
    again, trial = choose_backend(wish(folder), said.append, libraries=MAC, attempt=unwanted)
    assert (again, said) == (backend, [])
    assert trial is not None
    assert {one.backend: one for one in trial.attempts} == attempts


def unwanted(request, *, processes, patience) -> Attempt:
    raise AssertionError(f"{request.backend} was tried again")


class Told:
    """Stands for attempts: ms a frame, or why not, of each backend; what is not told is wrong."""

    def __init__(self, **ms: float | str) -> None:
        self.ms, self.tried, self.patience = {CPU.name: 50.0, **ms}, [], []

    def __call__(self, request, *, processes, patience) -> Attempt:
        self.tried.append(request.backend)
        self.patience.append(patience)
        found = self.ms.get(request.backend.name, "it is wrong")
        if isinstance(found, str):
            return Attempt(backend=request.backend, why_not=found)
        figures = NetworkFigures("star98", found, {"points, px": 0.1})
        return Attempt(backend=request.backend, networks=(figures,), processes=processes)


def choose(folder: Path, told: Told, said=None, **changed) -> tuple[Backend, Trial | None]:
    anew = changed.pop("anew", False)
    libraries = changed.pop("libraries", MAC)
    say = [].append if said is None else said.append
    return choose_backend(
        wish(folder, **changed), say, libraries=libraries, attempt=told, anew=anew
    )


def test_the_cpu_is_given_to_several_processes_and_an_accelerator_to_one_by_told_figures(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("workers.session.trial.choice._cores_and_memory", lambda: (10, 64 << 30))
    # 50 ms in each of ten processes are 5 ms a frame.
    assert choose(tmp_path, Told(**{QUICK.name: 4.0}))[0] == QUICK
    assert choose(tmp_path, Told(**{QUICK.name: 6.0}), anew=True)[0] == CPU


def test_all_wrong_is_the_cpu_said_aloud_and_again_at_every_start_by_told_figures(tmp_path):
    for _ in range(2):
        said = []
        backend, trial = choose(tmp_path, Told(), said)
        assert backend == CPU
        assert trial is not None
        assert said[-1].startswith(f"nothing but the CPU is right here ({QUICK}: it is wrong; ")


def test_the_cpu_that_is_fastest_is_said_aloud_by_told_figures(tmp_path):
    said = []
    assert choose(tmp_path, Told(**{QUICK.name: 500.0}), said)[0] == CPU
    assert said[-1].startswith("the CPU is the fastest here that is right")


def test_a_provider_asked_for_by_name_is_never_replaced_by_told_figures(tmp_path):
    told = Told(**{SLOW.name: 500.0})
    assert choose(tmp_path, told, provider="coreml")[0] == SLOW
    with pytest.raises(ProviderError, match=r"'coreml' does not work here: .*: it is wrong"):
        choose(tmp_path, Told(), provider="coreml", anew=True)


def test_a_precision_asked_for_is_never_replaced_by_told_figures(tmp_path):
    told = Told(**{QUICK.name: 1.0, SLOW.name: 500.0})
    assert choose(tmp_path, told, precision="fp32", provider="coreml")[0] == SLOW
    assert {one.precision for one in told.tried} == {"fp32"}
    with pytest.raises(ProviderError, match="'coreml' with --precision fp16 does not work here"):
        choose(tmp_path, Told(), precision="fp16", provider="coreml")


def test_where_there_is_only_the_cpu_nothing_is_tried(tmp_path):
    linux = Libraries(("CPUExecutionProvider",))
    found = choose_backend(wish(tmp_path), print, libraries=linux, attempt=unwanted)
    assert found == (CPU, None)
    assert not list(tmp_path.iterdir())


def test_a_cpu_that_does_not_run_the_networks_is_an_error_by_told_figures(tmp_path):
    with pytest.raises(ProviderError, match=r"models do not run here: star98\.onnx is missing"):
        choose(tmp_path, Told(**{CPU.name: "star98.onnx is missing"}))


def test_a_kind_that_the_record_has_not_is_not_tried_by_told_figures(tmp_path):
    plain = tuple(replace(one, variants=()) for one in INSTALLED)
    told = Told(**{SLOW.name: 1.0})
    backend, trial = choose(tmp_path, told, installed=plain)
    assert backend == SLOW
    assert told.tried == [CPU, SLOW]
    assert trial is not None
    lacking = {one.backend: one.why_not for one in trial.attempts}
    assert lacking[QUICK] == "these weights have no coreml files"


def test_a_kind_that_some_networks_have_not_is_tried_by_told_figures(tmp_path):
    first, *others = INSTALLED
    told = Told(**{QUICK.name: 1.0})
    backend, _ = choose(tmp_path, told, installed=(replace(first, variants=()), *others))
    assert backend == QUICK


def batches(model: InstalledModel) -> InstalledModel:
    four = replace(model.variants[-1], batch=4, file="star98-batch4")
    return replace(model, variants=(*model.variants, four)) if model.name == "star98" else model


@pytest.mark.parametrize(("ms", "batch"), [(3.5, 4), (3.9, 1), ("it is wrong", 1)])
def test_stars_batch_serves_where_it_is_right_and_clearly_faster_by_told_figures(
    ms, batch, tmp_path
):
    told = Told(**{QUICK.name: 4.0, f"{QUICK.name}_x4": ms})
    backend, _ = choose(tmp_path, told, installed=tuple(map(batches, INSTALLED)))
    assert backend == replace(QUICK, star_batch=batch)
    assert told.tried[-1] == replace(QUICK, star_batch=4)


def changed_model() -> tuple[InstalledModel, ...]:
    first, *others = INSTALLED
    return (replace(first, sha256="0" * 64), *others)


def changed_kind() -> tuple[InstalledModel, ...]:
    first, *others = INSTALLED
    changed = replace(first.variants[0], sha256="0" * 64)
    return (replace(first, variants=(changed, *first.variants[1:])), *others)


@pytest.mark.parametrize("change", ["model", "kind", "version", "chip", "runners", "cores"])
def test_any_change_starts_the_trial_anew_by_told_figures(change, tmp_path, monkeypatch):
    where = "workers.session.trial"
    monkeypatch.setattr(f"{where}.choice._cores_and_memory", lambda: (2, 64 << 30))
    first, second = Told(**{QUICK.name: 1.0}), Told(**{WRONG.name: 1.0})
    assert choose(tmp_path, first)[0] == QUICK
    assert choose(tmp_path, Told())[0] == QUICK
    changed = {"model": changed_model(), "kind": changed_kind()}.get(change, INSTALLED)
    libraries = MAC
    if change == "version":
        monkeypatch.setattr(f"{where}.memory.libraries", lambda _: {"onnxruntime": "0.0.1"})
    elif change == "chip":
        monkeypatch.setattr(f"{where}.memory.processor", lambda _: "Apple_M9_macos99")
    elif change == "runners":
        libraries = replace(MAC, onnx_providers=("CPUExecutionProvider",))
    elif change == "cores":
        monkeypatch.setattr(f"{where}.choice._cores_and_memory", lambda: (4, 64 << 30))
    found, _ = choose(tmp_path, second, installed=changed, libraries=libraries)
    assert found == WRONG
    assert choose(tmp_path, Told(), installed=changed, libraries=libraries)[0] == WRONG


def test_all_together_have_ten_minutes_by_told_figures(tmp_path, monkeypatch):
    times = iter([0.0, 0.0, 100.0, 450.0, *[596.0] * 100])
    monkeypatch.setattr("workers.session.trial.choice.time.monotonic", lambda: next(times))
    told = Told(**{SLOW.name: 1.0})
    backend, trial = choose(tmp_path, told)
    assert told.patience == [180.0, 180.0, 150.0]
    assert told.tried == [CPU, QUICK, WRONG]
    assert backend == CPU
    assert trial is not None
    assert trial.attempts[-1].why_not == "no time was left to try it"


def test_a_damaged_memory_starts_the_trial_anew_by_told_figures(tmp_path):
    assert choose(tmp_path, Told(**{QUICK.name: 1.0}))[0] == QUICK
    (file,) = (tmp_path / "trials").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert choose(tmp_path, Told(**{SLOW.name: 1.0}))[0] == SLOW


def test_a_cache_that_cannot_be_written_is_said_and_no_obstacle_by_told_figures(tmp_path):
    (tmp_path / "trials").write_text("no folder")
    said = []
    assert choose(tmp_path, Told(**{QUICK.name: 1.0}), said)[0] == QUICK
    assert said[-1].startswith("this cannot be remembered (")


def test_every_kind_of_analysis_has_its_own_memory_by_told_figures(tmp_path):
    assert choose(tmp_path, Told(**{QUICK.name: 1.0}))[0] == QUICK
    pfld = tuple(replace(one, name="pfld68") if one.name == "star98" else one for one in INSTALLED)
    assert choose(tmp_path, Told(**{SLOW.name: 1.0}), installed=pfld)[0] == SLOW
    assert choose(tmp_path, Told())[0] == QUICK


def test_a_batch_is_compared_crop_by_crop(tmp_path):
    def tried(backend: Backend) -> Attempt:
        request = AttemptRequest(
            weights=str(DEMO_FOLDER),
            networks=INSTALLED,
            backend=backend,
            compiled=str(tmp_path),
            answers=str(tmp_path / "answers.npz"),
            reference=backend == CPU,
        )
        return watched_attempt(request, program=PROGRAM)

    single, batched, mixed_up = map(tried, (CPU, BATCHED, MIXED_UP))
    assert (single.why_not, batched.why_not) == ("", "")
    assert mixed_up.why_not.startswith("it is wrong: star98's points, px are ")


def test_a_batchs_time_is_told_for_one_crop_by_told_times(tmp_path, monkeypatch):
    monkeypatch.setattr(attempt, "_timed", lambda _, names: dict.fromkeys(names, 8.0))
    request = AttemptRequest(
        weights=str(DEMO_FOLDER),
        networks=INSTALLED,
        backend=CPU,
        compiled=str(tmp_path),
        answers=str(tmp_path / "answers.npz"),
        reference=True,
    )

    def opened(installed: InstalledModel, batch: int) -> Runner:
        inner = open_runner(DEMO_FOLDER, installed, CPU, tmp_path)
        return oddly(replace(QUICK, star_batch=batch), installed.name, inner)

    attempt.figures(request, opened)
    batched = msgspec.structs.replace(request, backend=BATCHED, reference=False)
    ms = {network.name: network.ms for network in attempt.figures(batched, opened)}
    assert ms == {name: 2.0 if name == "star98" else 8.0 for name in ms}


def test_an_attempt_that_says_nonsense_gives_no_figures():
    request = AttemptRequest(
        weights="w", networks=(), backend=CPU, compiled="c", answers="a", reference=True
    )
    program = (sys.executable, "-c", "print('hello')")
    assert watched_attempt(request, program=program).why_not == "it gave no figures"
