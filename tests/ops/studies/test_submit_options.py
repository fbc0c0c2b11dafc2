"""What each option of `facemirror submit` puts on Redis."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import redis
from typer.testing import CliRunner

from ops.cli import app
from tasks.messages import RecordingOrder
from tasks.studies import StudyStore
from tests.ops.one_machine_lab import free_port, wait_until
from weights.manifest import MODELS, InstalledModel, WeightsRecord, sha256_of, write_record
from workers.process.broker import redis_client
from workers.process.private_redis import PrivateRedis, find_server


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with PrivateRedis() as server:
        yield server.url


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A file of every model; nothing runs them here."""
    return made_up_weights(tmp_path_factory.mktemp("weights"))


def made_up_weights(folder: Path) -> Path:
    installed = []
    for name, model in MODELS.items():
        path = folder / model.file
        path.write_text(f"{name} in {folder}")
        checksum = sha256_of(path)
        installed.append(
            InstalledModel(name, model.file, checksum, "x", checksum, False, "1", False)
        )
    write_record(folder, WeightsRecord().having(*installed))
    return folder


@pytest.fixture
def submit(broker, weights, tmp_path) -> Callable[..., tuple[StudyStore, RecordingOrder]]:
    """Submits one recording; returns the study and the order on Redis."""
    (tmp_path / "smile.mp4").touch()

    def submit_it(*options: object, weights: Path = weights) -> tuple[StudyStore, RecordingOrder]:
        line = ("submit", tmp_path / "smile.mp4", "--out", tmp_path / "out", "--broker", broker)
        given = map(str, (*line, "--weights", weights, *options))
        done = CliRunner().invoke(app, list(given))
        assert done.exit_code == 0, done.output
        store = StudyStore(redis_client(broker), done.stdout.strip())
        (order,) = store.orders().values()
        return store, order

    return submit_it


def different(order: RecordingOrder, other: RecordingOrder) -> dict[str, object]:
    """What the second has otherwise than the first, by names such as settings.analysis.flip."""

    def flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from flat(inner, f"{name}.{key}" if name else key)
        else:
            yield name, value

    one, two = (dict(flat(msgspec.to_builtins(each))) for each in (order, other))
    return {name: value for name, value in two.items() if one.get(name) != value}


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("--flip", {"settings.analysis.flip": True}),
        ("--debug-video", {"settings.analysis.debug_video": True}),
        ("--fast", {"settings.analysis.fast": True}),
        ("--smoothing face-mirror-1", {"settings.analysis.smoothing": "face-mirror-1"}),
        ("--au-labels face-mirror-1", {"settings.au_labels": "face-mirror-1"}),
        ("--provider coreml", {"provider": "coreml"}),
        ("--provider cuda", {"provider": "cuda"}),
        ("--provider cpu", {"provider": "cpu"}),
        ("--provider simulated", {"provider": "simulated"}),
        ("--provider any", {}),
        ("--precision fp32", {"precision": "fp32"}),
        ("--precision any", {}),
        ("--mix-providers", {"mix_providers": True}),
        ("--priority high", {"priority": "high"}),
        ("--queue smile-lab", {"pool": "smile-lab"}),
        ("--force", {"anew": True}),
    ],
)
def test_an_option_changes_what_it_says_and_nothing_else(options, changed, submit):
    (_, plain), (_, order) = submit(), submit(*options.split())
    assert different(plain, order) == {**changed, "id": order.id, "study": order.study}


@pytest.mark.parametrize(
    ("options", "analysis", "models"),
    [
        ("", ("star98", "openface3", "mirrored"), "star98 mtl_aus"),
        ("--landmarks pfld68", ("pfld68", "openface3", "mirrored"), "pfld68 mtl_aus"),
        ("--landmarks clnf68", ("clnf68", "openface3", "mirrored"), "pfld68 clnf68 mtl_aus"),
        ("--aus openface2", ("clnf68", "openface2", "mirrored"), "pfld68 clnf68 openface2_aus"),
        (
            "--aus openface2 --landmarks pfld68 --faces original",
            ("pfld68", "openface2", "original"),
            "pfld68 openface2_aus",
        ),
    ],
)
def test_landmarks_aus_and_faces_arrive_with_their_models(
    options, analysis, models, submit, weights
):
    _, order = submit(*options.split())
    chosen = order.settings.analysis
    assert (chosen.landmarks, chosen.aus, chosen.faces) == analysis
    wanted = {"retinaface_frame", "retinaface_face", *models.split()}
    assert {model.name for model in order.models} == wanted
    for model in order.models:
        assert model.sha256 == sha256_of(weights / MODELS[model.name].file)


@pytest.mark.parametrize(
    "options",
    [
        "--aus openface2 --au-labels face-mirror-1",
        "--aus openface2 --landmarks star98",
        "--faces original",
        "--aus openface2 --faces original --smoothing face-mirror-1",
        "--queue a,b",
        "--precision fp16",
    ],
)
def test_what_does_not_go_together_is_refused(options, broker, weights, tmp_path):
    (tmp_path / "smile.mp4").touch()
    line = ("submit", tmp_path / "smile.mp4", "--out", tmp_path, "--broker", broker)
    given = map(str, (*line, "--weights", weights, *options.split()))
    done = CliRunner().invoke(app, list(given))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert options.split()[-1] in done.stderr


def test_the_models_are_those_of_the_weights_folder(submit, tmp_path):
    (tmp_path / "other").mkdir()
    (_, plain), (_, order) = submit(), submit(weights=made_up_weights(tmp_path / "other"))
    changed = different(plain, order)
    assert set(changed) == {"id", "study", "models"}


def test_names_and_places_arrive(submit, tmp_path):
    store, order = submit("--name", "smiles of march")
    study = store.study()
    assert study is not None
    assert study.name == "smiles of march"
    assert not study.pseudonymized
    assert order.files is not None
    assert order.files.source == str(tmp_path / "smile.mp4")
    assert (order.files.output, order.files.name) == (str(tmp_path / "out"), "smile")


def test_names_stay_here_with_pseudonymize(submit, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEMIRROR_REGISTER", str(tmp_path / "register"))
    store, order = submit("--pseudonymize")
    study = store.study()
    assert study is not None
    assert study.pseudonymized
    assert order.files is None
    assert order.label.startswith("recording-")


@pytest.fixture(scope="module")
def open_broker(tmp_path_factory) -> Iterator[str]:
    """A Redis without a password, by an address that is not only this machine's."""
    port = free_port()
    folder = tmp_path_factory.mktemp("open")
    settings = folder / "redis.conf"
    settings.write_text(f'port {port}\nbind 127.0.0.1\nsave ""\nprotected-mode no\n')
    server = subprocess.Popen([find_server(), str(settings)], stdout=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            return bool(redis.Redis(port=port).ping())
        except redis.RedisError:
            return False

    try:
        wait_until(answers, 15, "Redis did not start")
        yield f"redis://0.0.0.0:{port}/0"
    finally:
        server.kill()
        server.wait()


def test_an_open_redis_is_used_only_with_insecure(open_broker, weights, tmp_path):
    (tmp_path / "smile.mp4").touch()
    submit = ("submit", tmp_path / "smile.mp4", "--out", tmp_path, "--weights", weights)
    for line in (submit, ("status",), ("studies",), ("retry", "NEWEST"), ("cancel", "NEWEST")):
        client = redis.Redis.from_url(open_broker)
        newest = (client.zrange("facemirror:studies", -1, -1) or [b""])[0].decode()
        given = [newest if word == "NEWEST" else str(word) for word in line]
        given += ["--broker", open_broker]
        refused = CliRunner().invoke(app, given)
        assert refused.exit_code == 2
        assert "has no password" in refused.stderr
        done = CliRunner().invoke(app, [*given, "--insecure"])
        assert done.exit_code == 0, done.output
