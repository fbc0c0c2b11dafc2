"""Stand-in checkpoints, the models made from them, and a phantom's recording; kept between runs."""

import fcntl
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.faces import filmed
from tests.phantom_films import talking
from tests.stand_ins.landmark_models import write_checkpoints
from tests.stand_ins.openface2 import write_openface2
from tests.stand_ins.pfld import write_pfld
from tests.stand_ins.weights_folders import write_phantom_weights
from weights.manifest import CHECKPOINTS, sha256_of

ROOT = Path(__file__).resolve().parents[1]
STAND_INS = sorted((ROOT / "tests" / "stand_ins").glob("*.py"))
CONVERSION = [
    path
    for folder in ("", "architectures", "clnf", "kinds")
    for path in sorted((ROOT / "weights" / folder).glob("*.py"))
]


@pytest.fixture(scope="session")
def phantom_weights(made_once) -> Path:
    """A weights folder that reads the phantom, with 98 and with 68 points and by both AU methods.

    PFLD and OpenFace 2's models are stand-ins: where their landmarks and AUs are says nothing.
    """
    demo = sorted((ROOT / "weights" / "demo" / "models").iterdir())
    return made_once("phantom-weights", [*STAND_INS, *demo], write_phantom_weights)


@pytest.fixture(scope="session")
def checkpoints(made_once) -> Path:
    """Seeded stand-ins for every file that `facemirror weights convert` takes."""
    pytest.importorskip("torch", reason="needs torch: make test EXTRAS=dev,convert")
    from tests.stand_ins.checkpoints import NETWORKS, write_checkpoint

    def make(folder: Path) -> None:
        for name in NETWORKS:
            write_checkpoint(name, folder)
        write_pfld(folder)
        write_checkpoints(folder)
        write_openface2(folder)

    architectures = sorted((ROOT / "weights" / "architectures").glob("*.py"))
    return made_once("checkpoints", [*STAND_INS, *architectures], make)


@pytest.fixture
def published_pfld(checkpoints, monkeypatch) -> None:
    """The PFLD stand-in counts as the published one, as no other one is taken."""
    given = CHECKPOINTS["pfld68"]
    stand_in = replace(given, sha256=sha256_of(checkpoints / given.file))
    monkeypatch.setitem(CHECKPOINTS, "pfld68", stand_in)


@pytest.fixture(scope="session")
def weights_folder(checkpoints, made_once) -> Path:
    """A folder with every model, converted from the `checkpoints`: they find nobody.

    STAR in batches takes a minute more and is no other network: tests/weights/kinds makes a small
    one in its place.
    """
    pytest.importorskip("onnxscript", reason="needs torch: make test EXTRAS=dev,convert")
    from weights.conversion import convert
    from weights.kinds import making

    def make(folder: Path) -> None:
        given = CHECKPOINTS["pfld68"]
        with pytest.MonkeyPatch.context() as patch:
            stand_in = replace(given, sha256=sha256_of(checkpoints / given.file))
            patch.setitem(CHECKPOINTS, "pfld68", stand_in)
            patch.setattr(making, "BATCHES", {})
            convert(checkpoints, folder, emotion_gaze=True)

    with_core_ml = "-coreml" if find_spec("coremltools") else ""
    made = sorted(path for path in checkpoints.rglob("*") if path.is_file())
    return made_once(f"weights{with_core_ml}", [*CONVERSION, *made], make)


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory) -> Path:
    """60 frames of a phantom that moves, 640×480, with uneven times and a key frame every 15."""
    path = tmp_path_factory.mktemp("recordings") / "talking.wmv"
    return filmed(
        path,
        talking(60),
        pts=lambda n: 40 * n + 7 * (n % 3),
        time_base=Fraction(1, 1000),
        codec="wmv2",
        options={"g": "15", "b": "4000000"},
    )


@pytest.fixture(scope="session")
def made_once(pytestconfig, tmp_path_factory) -> Callable[..., Path]:
    """Gives the folder that a function fills; another one when one of its sources changes.

    It is kept between runs. Of several processes that want it, one makes it and the others wait.
    """
    cache = getattr(pytestconfig, "cache", None)
    base = Path(cache.mkdir("facemirror") if cache else tmp_path_factory.getbasetemp())

    def made(name: str, sources: list[Path], make: Callable[[Path], object]) -> Path:
        digest = hashlib.sha256(Path(__file__).read_bytes())  # how they are made
        for source in sources:
            digest.update(source.read_bytes())
        folder = base / f"{name}-{digest.hexdigest()[:12]}"
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # freed even where its holder is killed
            if not folder.exists():
                unfinished = Path(tempfile.mkdtemp(prefix=folder.name, dir=base))
                make(unfinished)
                unfinished.rename(folder)
        return folder

    return made
